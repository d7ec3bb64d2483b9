package scan

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

// artifacts knows files by the first digits of their digest.
type artifacts struct {
	Session
	by map[string][]assay.Artifact
}

func (a artifacts) Artifact(_ context.Context, sha1 [20]byte) ([]assay.Artifact, error) {
	if f := a.by[hex.EncodeToString(sha1[:1])]; f != nil {
		return f, nil
	}
	return nil, assay.ErrNotFound
}

func TestIdentify(t *testing.T) {
	jar := func(name, version, sum, owner string) assay.Package {
		p := assay.Package{Type: assay.TypeMaven, Name: name, Version: version, Owner: owner, Path: "lib/" + name + ".jar", PURL: "pkg:maven/" + name + "@" + version}
		if sum != "" {
			p.Digest = "sha1:" + sum + strings.Repeat("0", 38)
		}
		return p
	}
	known := artifacts{by: map[string][]assay.Artifact{
		"aa": {{Name: "org.other:copy", Version: "1"}, {Name: "org.ow2.asm:asm", Version: "9.1"}},
		"bb": {{Name: "org.slf4j:slf4j-api", Version: "2.0"}},
	}}
	inv := &assay.Inventory{Packages: []assay.Package{jar("asm", "9", "aa", ""), jar("renamed", "", "bb", ""), jar("unknown", "", "cc", ""), jar("deb's", "", "cc", "pkg:deb/x"), jar("named", "1", "cc", ""),
		jar("plain", "2", "", ""), {Type: assay.TypeGo, Name: "main", Relation: assay.RelationRoot}}}
	if err := (&scanner{session: known}).identify(t.Context(), inv); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range inv.Packages {
		got = append(got, p.Name+" "+p.Version+" "+p.PURL)
	}
	want := []string{"org.ow2.asm:asm 9.1 pkg:maven/org.ow2.asm/asm@9.1", "org.slf4j:slf4j-api 2.0 pkg:maven/org.slf4j/slf4j-api@2.0", "named 1 pkg:maven/named@1", "plain 2 pkg:maven/plain@2", "main  "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(inv.Gaps) != 1 || !strings.Contains(inv.Gaps[0].What, "1 without a version, not matched: lib/unknown.jar;") {
		t.Errorf("%v", inv.Gaps)
	}
}
