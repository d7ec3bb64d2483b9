package spdx

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

// purposes are those of the JSON schema; tag-value text has dashes in place of "_".
// https://github.com/spdx/spdx-spec/blob/v2.3/schemas/spdx-schema.json
var purposes = []string{"OTHER", "INSTALL", "ARCHIVE", "FIRMWARE", "APPLICATION", "FRAMEWORK", "LIBRARY", "CONTAINER", "SOURCE", "DEVICE", "OPERATING_SYSTEM", "FILE"}

func TestPurposes(t *testing.T) {
	r := &assay.Report{Kind: assay.KindImage, Image: assay.ImageInfo{Name: "app:1"}, Release: assay.Release{ID: "debian", Version: "12"},
		Packages: []assay.Package{{Type: "deb", Name: "a", Version: "1"}, {Type: assay.TypeGeneric, Name: "b", Version: "1"}, {Type: "npm", Name: "c", Version: "1", Relation: assay.RelationRoot}}}
	var b strings.Builder
	if err := JSON.Write(&b, r, assay.FormatOptions{}); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Packages []struct {
			Purpose string `json:"primaryPackagePurpose"`
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &doc); err != nil {
		t.Fatal(err)
	}
	seen := []string{}
	for _, p := range doc.Packages {
		if seen = append(seen, p.Purpose); !slices.Contains(purposes, p.Purpose) {
			t.Errorf("purpose %q", p.Purpose)
		}
	}
	if !slices.Contains(seen, "OPERATING_SYSTEM") || !slices.Contains(seen, "CONTAINER") {
		t.Error(seen)
	}
	b.Reset()
	if err := TagValue.Write(&b, r, assay.FormatOptions{}); err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`(?m)^PrimaryPackagePurpose: (.*)$`).FindAllStringSubmatch(b.String(), -1)
	if len(tags) != len(doc.Packages) || !strings.Contains(b.String(), "\nPrimaryPackagePurpose: OPERATING-SYSTEM\n") {
		t.Error(tags)
	}
}
