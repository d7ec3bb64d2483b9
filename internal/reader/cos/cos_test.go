package cos

import (
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

const (
	place  = "etc/cos-package-info.json"
	sample = `{"installedPackages": [
	{"category": "app-admin", "name": "sudo", "version": "1.9.5p2", "ebuild_version": "1.9.5_p2-r1"},
	{"category": "dev-libs", "name": "openssl", "version": "1.1.1k"}],
	"buildTimePackages": [{"category": "sys-devel", "name": "gcc", "version": "10.2.0"}]}`
)

func TestList(t *testing.T) {
	for _, tt := range []struct{ content, want, err string }{
		{sample, "app-admin/sudo 1.9.5_p2-r1, dev-libs/openssl 1.1.1k", ""},
		{`{"installedPackages": [3, {"name": "a", "version": "1"}, {"category": "c", "name": "b", "version": "2"}]}`, "c/b 2", "package 1"},
		{`{}`, "", "no installed package"},
		{`[`, "", "malformed"},
	} {
		facts, err := contract.Read(t, List{}, place, tt.content)
		var got []string
		for _, p := range facts.Packages {
			got = append(got, p.Name+" "+p.Version)
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("%s: %q, want %q", tt.content, s, tt.want)
		}
		contract.Failed(t, err, tt.err)
	}
}

func TestContract(t *testing.T) { contract.Reader(t, List{}, map[string]string{place: sample}) }

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, List{}, place, content) })
}
