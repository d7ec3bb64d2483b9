// Package perl reads Perl's distributions, the packages of CPAN: the records of
// installed ones, and the lock file of Carton. Names are those of distributions,
// "Carp-Clan".
package perl

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxSnapshot = 64 << 20 // lists every module: some MB
	maxRecord   = 16 << 20
	maxMeta     = 4 << 20
)

// dist is the name of a distribution's archive: "Carp-Clan-6.04",
// "Foo-v1.2.3-TRIAL". https://metacpan.org/pod/CPAN::DistnameInfo
var dist = regexp.MustCompile(`^(.+?)-(v?[0-9][0-9A-Za-z._]*(?:-TRIAL[0-9]*)?)$`)

// Snapshot reads cpanfile.snapshot.
//
// Format: https://metacpan.org/pod/Carton
type Snapshot struct{}

func (Snapshot) Name() string { return "cpanfile-snapshot" }

func (Snapshot) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/cpanfile.snapshot", Scope: assay.ScopeDeclared, MaxSize: maxSnapshot}}
}

func (Snapshot) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeCPAN)
	of := map[string]int{}      // by module
	needs := map[int][]string{} // modules
	current, section := -1, ""  //
	known, content := false, false
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxSnapshot)) {
		if err != nil {
			l.Error(err)
			break
		}
		text := strings.TrimSpace(line.Text)
		if text == "" || text[0] == '#' {
			continue
		}
		content = true
		switch indent := len(line.Text) - len(strings.TrimLeft(line.Text, " ")); indent {
		case 0:
			known = known || text == "DISTRIBUTIONS"
		case 2:
			current, section = -1, ""
			if m := dist.FindStringSubmatch(text); m != nil {
				current = l.Add(m[1], m[2])
			} else {
				l.NoVersion(text)
			}
		case 4:
			section, _, _ = strings.Cut(text, ":")
		case 6:
			module, _, _ := strings.Cut(text, " ")
			switch section {
			case "provides":
				of[module] = current
			case "requirements":
				needs[current] = append(needs[current], module)
			}
		}
	}
	if content && !known {
		l.Malformed("not a list of distributions")
	}
	for i, modules := range needs {
		for _, m := range modules {
			if j, ok := of[m]; ok {
				l.Need(i, j)
			}
		}
	}
	return l.Facts()
}

// Minus reads the records that cpanm keeps of what it installed. The licence is
// that of MYMETA.json, which lies beside.
//
// Format: https://metacpan.org/pod/App::cpanminus::fatscript
type Minus struct{}

func (Minus) Name() string { return "cpanm" }

func (Minus) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/.meta/*/install.json", Scope: assay.ScopeInstalled, MaxSize: maxRecord}}
}

func (Minus) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Name    string          `json:"name"` // of the main module
		Dist    string          `json:"dist"` // with the version
		Version json.RawMessage `json:"version"`
	}
	l := listing.New(assay.TypeCPAN)
	if err := listing.Decode(f, maxRecord, json.Unmarshal, &doc); err != nil {
		l.Error(err)
		return l.Facts()
	}
	name, version := strings.ReplaceAll(doc.Name, "::", "-"), strings.Trim(string(doc.Version), `"`)
	if m := dist.FindStringSubmatch(doc.Dist); m != nil {
		name, version = m[1], m[2]
	}
	if name == "" {
		l.Malformed("the distribution is missing")
		return l.Facts()
	}
	if version == "null" {
		version = ""
	}
	i := l.Add(name, version)
	var meta struct {
		License []string `json:"license"`
	}
	_, err := listing.Sibling(f, "MYMETA.json", maxMeta, json.Unmarshal, &meta)
	l.Error(err)
	l.Licences(i, meta.License...)
	return l.Facts()
}

// Local reads perllocal.pod, in which ExtUtils::MakeMaker notes what it
// installed, by the name of the main module. Of a module that was installed
// several times the last counts.
//
// Format: https://perldoc.perl.org/perllocal, and ExtUtils::Command::MM
type Local struct{}

func (Local) Name() string { return "perllocal" }

func (Local) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/perllocal.pod", Scope: assay.ScopeInstalled, MaxSize: maxRecord}}
}

var (
	module      = regexp.MustCompile(`^=head2 .*C<Module> L<([^|>]+)`)
	versionItem = regexp.MustCompile(`^C<VERSION: ([^>]*)>`)
)

func (Local) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeCPAN)
	last := map[string]string{}
	var order []string
	name := ""
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxRecord)) {
		if err != nil {
			l.Error(err)
			break
		}
		if m := module.FindStringSubmatch(line.Text); m != nil {
			name = strings.ReplaceAll(m[1], "::", "-")
			if _, ok := last[name]; !ok {
				order = append(order, name)
			}
			last[name] = ""
		} else if m := versionItem.FindStringSubmatch(line.Text); m != nil && name != "" {
			last[name] = m[1]
		}
	}
	for _, name := range order {
		l.Add(name, last[name])
	}
	return l.Facts()
}
