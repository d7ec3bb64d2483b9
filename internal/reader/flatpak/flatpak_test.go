package flatpak

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const deploy = "flathub\x000f0f\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00appdata-name\x00\x00\x00\x00Gimp\x00\x00s\x00\x00" +
	"\x01appdata-version\x002.10.36\x00\x00s\x00\x00\x0eappdata-license\x00GPL-3.0+\x00\x00s\x12"

func TestDeployed(t *testing.T) {
	for _, tt := range []struct {
		name, path, in string
		want           []assay.Package
		err            error
	}{
		{"application", "var/lib/flatpak/app/org.gimp.GIMP/x86_64/stable/0f/deploy", deploy, []assay.Package{{Type: "flatpak", Name: "org.gimp.GIMP", Version: "2.10.36", Arch: "x86_64", Licences: []string{"GPL-3.0+"}}}, nil},
		{"runtime", "home/a/.local/share/flatpak/runtime/org.gnome.Platform/x86_64/45/0f/deploy", "flathub\x00", []assay.Package{{Type: "flatpak", Name: "org.gnome.Platform", Version: "45", Arch: "x86_64"}}, nil},
		{"no version", "var/lib/flatpak/app/org.a.B/x86_64/stable/0f/deploy", "flathub\x00", nil, assay.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Deployed{}, tt.path, tt.in)
			if d := cmp.Diff(tt.want, facts.Packages); d != "" || !errors.Is(err, tt.err) {
				t.Error(d, err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Deployed{}, map[string]string{"var/lib/flatpak/app/org.a.B/x86_64/stable/0f/deploy": deploy})
}

func FuzzDeployed(f *testing.F) {
	f.Add(deploy)
	f.Fuzz(func(t *testing.T, content string) {
		contract.Read(t, Deployed{}, "flatpak/app/org.a.B/x86_64/stable/0f/deploy", content)
	})
}
