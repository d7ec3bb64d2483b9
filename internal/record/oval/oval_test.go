package oval

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
)

func read(t testing.TB, r io.Reader) (defs []Definition) {
	t.Helper()
	if err := Read(t.Context(), r, func(d *Definition) error { defs = append(defs, *d); return nil }); err != nil {
		t.Fatal(err)
	}
	return defs
}

// counts is "definitions: tests of packages, tests that are missing".
func counts(defs []Definition) string {
	packages, missing := 0, 0
	for i := range defs {
		packages += len(defs[i].Packages())
		missing += defs[i].Missing()
	}
	return fmt.Sprintf("%d: %d, %d", len(defs), packages, missing)
}

// TestDocuments reads what there is of every publisher. The numbers of
// definitions were counted by another program.
func TestDocuments(t *testing.T) {
	const (
		suse   = "ftp.suse.com/pub/projects/security/oval/"
		azure  = "raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/"
		ubuntu = "security-metadata.canonical.com/oval/"
		redhat = "security.access.redhat.com/data/oval/"
		photon = "packages.broadcom.com/photon/photon_oval_definitions/com.vmware.phsa-"
		oracle = "linux.oracle.com/security/oval/"
	)
	for name, want := range map[string]string{
		"_alt/anchore+vunnel/" + azure + "cbl-mariner-2.0-oval.xml":        "5: 6, 0",
		"download.rockylinux.org/oval/org.rockylinux.rlsa-8.xml.bz2":       "64: 1722, 0",
		"download.rockylinux.org/oval/org.rockylinux.rlsa-9.xml.bz2":       "175: 5994, 1",
		suse + "_more/suse_oval_data.xml":                                  "2: 4, 0",
		suse + "opensuse.10.2.xml.gz":                                      "1: 1, 0",
		suse + "opensuse.12.1.xml.gz":                                      "1: 7, 0",
		suse + "opensuse.13.2.xml.gz":                                      "1: 4, 0",
		suse + "opensuse.leap.15.2.xml.gz":                                 "1: 1, 0",
		suse + "opensuse.leap.micro.5.2.xml.gz":                            "1: 3, 0",
		suse + "opensuse.tumbleweed.xml.gz":                                "1: 7, 0",
		suse + "org.opensuse.CVE-2008-5679.xml":                            "1: 2, 0",
		suse + "suse.linux.enterprise.16-affected.xml.gz":                  "2: 4, 8",
		suse + "suse.linux.enterprise.16-patch.xml.gz":                     "2: 2, 9",
		suse + "suse.linux.enterprise.server.10.xml.gz":                    "1: 14, 0",
		suse + "suse.linux.enterprise.server.15.xml":                       "4: 0, 58",
		suse + "suse.linux.micro.6-affected.xml.gz":                        "1: 0, 0",
		oracle + "ELSA-2007-0057.xml":                                      "1: 8, 0",
		oracle + "com.oracle.elsa-all.xml.bz2":                             "2: 17, 0",
		oracle + "mock_data.xml":                                           "2: 14, 16",
		oracle + "mock_ksplice_data.xml":                                   "1: 10, 0",
		oracle + "mock_per_arch_data.xml":                                  "3: 72, 81",
		photon + "photon1.xml.gz":                                          "1: 2, 0",
		photon + "photon3.xml":                                             "222: 778, 0",
		photon + "photon5.xml.gz":                                          "1: 2, 0",
		azure + "azurelinux-3.0-oval.xml":                                  "817: 817, 0",
		azure + "cbl-mariner-1.0-oval.xml":                                 "2252: 2252, 0",
		azure + "cbl-mariner-2.0-oval.xml":                                 "2436: 2436, 0",
		azure + "cbl-mariner-2.0-preview-oval.xml":                         "5: 5, 0",
		ubuntu + "_more/ubuntu_oval_data.xml":                              "2: 2, 0",
		ubuntu + "com.ubuntu.jammy.usn.oval.xml.bz2":                       "625: 521, 0",
		ubuntu + "com.ubuntu.lunar.usn.oval.xml.bz2":                       "267: 278, 0",
		ubuntu + "com.ubuntu.noble.usn.oval.xml.bz2":                       "261: 232, 0",
		ubuntu + "com.ubuntu.oracular.usn.oval.xml.bz2":                    "55: 56, 0",
		ubuntu + "oci.com.ubuntu.fips-updates_jammy.cve.oval.xml.bz2":      "1: 2, 0",
		ubuntu + "oci.com.ubuntu.jammy.cve.oval.xml.bz2":                   "1: 2, 0",
		ubuntu + "oci.com.ubuntu.jammy.pkg.oval.xml.bz2":                   "2: 2, 0",
		ubuntu + "oci.com.ubuntu.jammy.usn.oval.xml.bz2":                   "1: 1, 0",
		redhat + "_more/fetcher_rhel_test.1.xml":                           "1: 4, 0",
		redhat + "_more/fetcher_rhel_test.2.xml":                           "1: 3, 0",
		redhat + "v2/RHEL6/rhel-6-extras-including-unpatched.oval.xml.bz2": "6: 12, 0",
		redhat + "v2/RHEL7/dotnet-3.1-including-unpatched.oval.xml.bz2":    "4: 26, 0",
		redhat + "v2/RHEL9/jboss-ws-5-including-unpatched.oval.xml.bz2":    "1: 1, 0",
		"security.almalinux.org/oval/org.almalinux.alsa-9.xml.bz2":         "2: 9, 0",
		"www.debian.org/security/oval/oval-definitions-bullseye.xml":       "2: 2, 0",
		"www.debian.org/security/oval/oval-definitions-bullseye.xml.bz2":   "4: 4, 0",
		"www.redhat.com/security/data/oval/com.redhat.rhsa-RHEL9.xml.bz2":  "222: 1734, 0",
	} {
		f, err := os.Open(corpus.Path(t, "feeds/"+name))
		if err != nil {
			t.Fatal(err)
		}
		if got := counts(read(t, f)); got != want {
			t.Errorf("%q: %q,", name, got)
		}
		f.Close()
	}
}

// TestArchive reads the documents in Red Hat's archive of its first format.
func TestArchive(t *testing.T) {
	f, err := os.Open(corpus.Path(t, "feeds/security.access.redhat.com/data/archive/oval_v1_20230706.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for a := tar.NewReader(z); ; {
		h, err := a.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(h.Name, ".xml") && h.Typeflag == tar.TypeReg {
			got[path.Base(h.Name)] = counts(read(t, a))
		}
	}
	if diff := cmp.Diff(map[string]string{"com.redhat.rhsa-20231659.xml": "1: 6, 0", "com.redhat.rhsa-RHEL5.xml": "1: 2, 0"}, got); diff != "" {
		t.Error(diff)
	}
}

// sampleDocument is one with a definition.
func sampleDocument(criteria, system string) string {
	return `<?xml version="1.0"?><oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5" xmlns:l="urn:l"><generator/><definitions>
		<definition id="d:1" class="patch"><metadata><title> T </title><reference source="CVE" ref_id="CVE-2024-1"/></metadata>` + criteria + `</definition></definitions>` + system + `</oval_definitions>`
}

const parts = `<tests>
	<rpminfo_test id="t:1" comment="a is earlier than 0:1-1"><object object_ref="o:1"/><state state_ref="s:1"/></rpminfo_test>
	<rpminfo_test id="t:2" comment="a is signed with a key"><object object_ref="o:1"/><state state_ref="s:2"/></rpminfo_test>
	<rpminfo_test id="t:3" comment="b is installed"><object object_ref="o:2"/></rpminfo_test>
	<l:dpkginfo_test id="t:4"><l:object object_ref="o:3"/><l:state state_ref="s:3"/></l:dpkginfo_test>
	<rpminfo_test id="t:5" check_existence="none_exist"><object object_ref="o:1"/></rpminfo_test>
	<rpminfo_test id="t:6" comment="no object"><object object_ref="o:9"/><state state_ref="s:1"/></rpminfo_test>
	<rpminfo_test id="t:7" comment="no state"><object object_ref="o:1"/><state state_ref="s:9"/></rpminfo_test>
	<textfilecontent54_test id="t:8" comment="Module m:1 is enabled"><object object_ref="o:4"/></textfilecontent54_test>
	<rpminfo_test id="t:10" comment="Oracle Linux arch is x86_64"><object object_ref="o:1"/><state state_ref="s:4"/></rpminfo_test>
</tests><objects>
	<rpminfo_object id="o:1"><name>a</name></rpminfo_object>
	<rpminfo_object id="o:2"><name> b </name></rpminfo_object>
	<l:dpkginfo_object id="o:3"><l:name var_ref="v:1" var_check="at least one"/></l:dpkginfo_object>
	<textfilecontent54_object id="o:4"><filepath>/f</filepath><pattern>p</pattern></textfilecontent54_object>
</objects><states>
	<rpminfo_state id="s:1"><arch operation="pattern match">aarch64|(x86_64)</arch><evr datatype="evr_string" operation="less than"> 0:1-1
	</evr></rpminfo_state>
	<rpminfo_state id="s:2"><signature_keyid>ab</signature_keyid></rpminfo_state>
	<l:dpkginfo_state id="s:3"><l:subexpression datatype="debian_evr_string" operation="less than or equal">2</l:subexpression></l:dpkginfo_state>
	<rpminfo_state id="s:4"><arch operation="pattern match">x86_64</arch></rpminfo_state>
</states><variables><constant_variable id="v:1"><value>c</value><value>libc</value></constant_variable><local_variable id="v:2"><concat/></local_variable></variables>`

// brief writes a package as "names{module} system/arches operation version".
func brief(p Package) string {
	return fmt.Sprintf("%s{%s} %s/%s %s %s", p.Names, p.Module(), p.SystemArches(), p.Arches, p.Operation, p.EVR)
}

func TestCriteria(t *testing.T) {
	for _, tt := range []struct {
		name, criteria string
		missing        int
		want           []string
	}{
		{"a version", `<criteria><criterion test_ref="t:1"/></criteria>`, 0, []string{"[a]{} []/[aarch64 x86_64] less than 0:1-1"}},
		{"signed", `<criteria operator="AND"><criterion test_ref="t:2"/><criterion test_ref="t:1"/></criteria>`, 0, []string{"[a]{} []/[aarch64 x86_64] less than 0:1-1"}},
		{"installed", `<criteria><criterion test_ref="t:3"/></criteria>`, 0, []string{"[b]{} []/[]  "}},
		{"a variable", `<criteria><criterion test_ref="t:4"/></criteria>`, 0, []string{"[c libc]{} []/[] less than or equal 2"}},
		{"not there", `<criteria><criterion test_ref="t:5"/></criteria>`, 0, nil},
		{"no object", `<criteria><criterion test_ref="t:6"/></criteria>`, 1, nil},
		{"no state", `<criteria><criterion test_ref="t:7"/></criteria>`, 1, nil},
		{"no test", `<criteria><criterion test_ref="t:9" comment="d is earlier than 1:2-3"/><criterion test_ref="t:9" comment="d is signed"/></criteria>`, 1, []string{"[d]{} []/[] less than 1:2-3"}},
		{"negated", `<criteria negate="true"><criterion test_ref="t:1"/></criteria>`, 0, nil},
		{"negated itself", `<criteria><criterion test_ref="t:1" negate="true"/><criterion test_ref="t:9" negate="true" comment="d is earlier than 1"/></criteria>`, 0, nil},
		{"what must hold besides", `<criteria operator="AND"><criterion test_ref="t:8"/><criteria operator="OR"><criterion test_ref="t:3"/>
			<criteria operator="AND"><criterion test_ref="t:10"/><criterion test_ref="t:1"/></criteria></criteria></criteria>`, 0,
			[]string{"[b]{m:1} []/[]  ", "[a]{m:1} [x86_64]/[aarch64 x86_64] less than 0:1-1"}},
		{"one of", `<criteria operator="OR"><criterion test_ref="t:8"/><criterion test_ref="t:3"/></criteria>`, 0, []string{"[b]{} []/[]  "}},
		{"none", ``, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := read(t, strings.NewReader(sampleDocument(tt.criteria, parts)))[0]
			var got []string
			for _, p := range d.Packages() {
				got = append(got, brief(p))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || d.Missing() != tt.missing {
				t.Errorf("%d missing, want %d\n%s", d.Missing(), tt.missing, diff)
			}
			if d.Metadata.Title != "T" || d.Metadata.References[0].ID != "CVE-2024-1" {
				t.Errorf("%+v", d.Metadata)
			}
		})
	}
}

func TestBroken(t *testing.T) {
	whole := sampleDocument(`<criteria><criterion test_ref="t:1"/></criteria>`, parts)
	for name, tt := range map[string]struct {
		in   string
		want error
	}{
		"empty":             {"", assay.ErrMalformed},
		"a page":            {"<!DOCTYPE html><html><title>Sign in</title></html>", assay.ErrMalformed},
		"cut":               {whole[:len(whole)/2], assay.ErrMalformed},
		"cut at the end":    {whole[:len(whole)-1], assay.ErrMalformed},
		"two":               {whole + whole, assay.ErrMalformed},
		"an entity":         {strings.Replace(whole, "<generator/>", "<generator>&bomb;</generator>", 1), assay.ErrMalformed},
		"entities declared": {`<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + strings.Replace(whole[21:], "<generator/>", "<generator>&b;</generator>", 1), assay.ErrMalformed},
		"deep":              {sampleDocument(strings.Repeat("<criteria>", 101)+strings.Repeat("</criteria>", 101), parts), assay.ErrTooLarge},
		"deeper":            {sampleDocument(strings.Repeat("<criteria>", 20_000)+strings.Repeat("</criteria>", 20_000), parts), assay.ErrMalformed},
		"another charset":   {strings.Replace(whole, `version="1.0"`, `version="1.0" encoding="koi8-r"`, 1), assay.ErrUnsupported},
		"no UTF-8":          {strings.Replace(whole, " T ", "\xff", 1), assay.ErrMalformed},
		"a large element":   {sampleDocument(`<!--`+strings.Repeat(" ", maxElement+1<<16)+`--><criteria/>`, parts), assay.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Read(t.Context(), strings.NewReader(tt.in), func(*Definition) error { return nil }); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// TestPlain reads what cannot be sought, in other charsets, and stops.
func TestPlain(t *testing.T) {
	whole := sampleDocument(`<criteria><criterion test_ref="t:1"/></criteria>`, parts)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(strings.Replace(whole, `version="1.0"`, `version="1.0" encoding="US-ASCII"`, 1)))
	z.Close()
	if got := counts(read(t, io.MultiReader(&packed))); got != "1: 1, 0" {
		t.Error(got)
	}
	full := errors.New("full")
	if err := Read(t.Context(), strings.NewReader(whole), func(*Definition) error { return full }); err != full {
		t.Errorf("%v, want the visitor's error", err)
	}
	boom := errors.New("connection reset")
	if err := Read(t.Context(), io.MultiReader(strings.NewReader(whole[:500]), failing{boom}), nil); !errors.Is(err, boom) {
		t.Errorf("%v, want the reader's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Read(ctx, strings.NewReader(whole), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzRead(f *testing.F) {
	f.Add([]byte(sampleDocument(`<criteria operator="OR"><criterion test_ref="t:1"/><criterion test_ref="t:4" negate="true"/></criteria>`, parts)))
	f.Fuzz(func(t *testing.T, b []byte) {
		Read(t.Context(), bytes.NewReader(b), func(d *Definition) error {
			for _, p := range d.Packages() {
				if len(p.Names) == 0 || p.Criterion == nil {
					t.Errorf("%+v", p)
				}
				p.Module()
				p.SystemArches()
			}
			return nil
		})
	})
}
