package swift

import (
	"context"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Carthage reads Cartfile.resolved. Its packages are repositories, as Swift's are;
// "github" stands for those of GitHub. Binary frameworks have no repository.
//
// Format: https://github.com/Carthage/Carthage/blob/master/Documentation/Artifacts.md
type Carthage struct{}

func (Carthage) Name() string { return "carthage-lock" }

func (Carthage) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/Cartfile.resolved", Scope: assay.ScopeDeclared, MaxSize: maxResolved}}
}

var cartLine = regexp.MustCompile(`^\s*(github|git|binary)\s+"([^"]+)"\s*(.*)$`)

// cartName is the package of an origin and an address.
func cartName(origin, address string) string {
	if origin == "github" && !strings.Contains(address, "://") {
		return "github.com/" + strings.TrimSuffix(address, ".git")
	}
	return repository(address)
}

func (Carthage) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeSwift)
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxResolved)) {
		if err != nil {
			l.Error(err)
			break
		}
		text, _, _ := strings.Cut(line.Text, "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		m := cartLine.FindStringSubmatch(text)
		switch {
		case m == nil:
			l.Malformed("line %d: invalid dependency %.80q", line.N, text)
		case m[1] == "binary":
			l.NoVersion(m[2])
		case cartName(m[1], m[2]) != "":
			l.Add(cartName(m[1], m[2]), strings.TrimPrefix(strings.Trim(strings.TrimSpace(m[3]), `"`), "v"))
		}
	}
	return l.Facts()
}

// Cartfile reads a Cartfile that has no lock file.
type Cartfile struct{}

func (Cartfile) Name() string { return "cartfile" }

func (Cartfile) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/Cartfile", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

var cartExact = regexp.MustCompile(`^==\s*v?(\d[\w.-]*)$`)

func (Cartfile) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeSwift, Locks: []string{"Cartfile.resolved"}, Ask: func(p *manifest.Project) error {
		for _, line := range manifest.Lines(p.Text, "#") {
			m := cartLine.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			version := ""
			if e := cartExact.FindStringSubmatch(strings.TrimSpace(m[3])); e != nil && m[1] != "binary" {
				version = e[1]
			}
			if name := cartName(m[1], m[2]); name != "" {
				p.Ask(name, version, false)
			}
		}
		return nil
	}}.Read(f)
}
