package bottlerocket

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

const inventory = `{"Content": [
	{"Name": "acpid", "Publisher": "Bottlerocket", "Version": "2.0.34", "Release": "1.1715.8d443e7.br1", "InstalledTime": "2024-09-05T16:16:41Z", "ApplicationType": "Unspecified", "Architecture": "aarch64", "Url": "http://sourceforge.net/projects/acpid2/", "Summary": "ACPI event daemon"},
	{"Name": "glibc", "Publisher": "Bottlerocket", "Version": "2.40", "Release": "1", "Epoch": "1", "Architecture": "aarch64"},
	{"Name": "kernel-6.1", "Publisher": "Bottlerocket", "Version": "6.1.1", "Release": "1", "Epoch": 0, "Architecture": "aarch64"}]}`

func TestInventory(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          []string
		err           string // part of it; "" for none
	}{
		{"whole", inventory, []string{"acpid 2.0.34-1.1715.8d443e7.br1 aarch64", "glibc 1:2.40-1 aarch64", "kernel-6.1 6.1.1-1 aarch64"}, ""},
		{"empty", `{"Content": []}`, nil, ""},
		{"no release", `{"Content": [{"Name": "a", "Version": "1"}, {"Name": "b", "Version": "1", "Release": "1"}]}`, []string{"b 1-1 "}, `package 0: "a" has no`},
		{"a name that is none", `{"Content": [{"Name": "a b", "Version": "1", "Release": "1"}]}`, nil, `"a b" has no`},
		{"an epoch that is none", `{"Content": [{"Name": "a", "Version": "1", "Release": "1", "Epoch": {"x": 1}}]}`, []string{"a 1-1 "}, ""},
		{"another shape", `{"Content": [7, {"Name": "b", "Version": "1", "Release": "1"}]}`, []string{"b 1-1 "}, "package 0: "},
		{"invalid JSON", `<x>`, nil, "invalid character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Reader{}, place, tt.content)
			var got []string
			for _, p := range facts.Packages {
				if p.Type != assay.TypeRPM {
					t.Errorf("%+v", p)
				}
				got = append(got, p.Name+" "+p.Version+" "+p.Arch)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if (err != nil) != (tt.err != "") || err != nil && (!errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%v, want %q", err, tt.err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Reader{}, map[string]string{place: inventory})
}

func FuzzRead(f *testing.F) {
	f.Add(inventory)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Reader{}, place, content) })
}
