// Package haskell reads the pinned packages of Haskell projects: the files of Stack and
// Cabal.
package haskell

import (
	"context"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"go.yaml.in/yaml/v4"
)

// maxFile: the largest known freeze files have some 100 kB.
const maxFile = 16 << 20

// reference is "name-1.2.3@sha256:…,123": a name's last part is no number.
// https://docs.haskellstack.org/en/stable/topics/pantry/
var reference = regexp.MustCompile(`^([0-9A-Za-z]+(?:-[0-9A-Za-z]+)*)-([0-9]+(?:\.[0-9]+)*)(?:@.*)?$`)

// add adds what a reference names; where is none, there is nothing to pin.
func add(l *listing.List, ref string) int {
	if m := reference.FindStringSubmatch(ref); m != nil {
		return l.Add(m[1], m[2])
	}
	return -1
}

// Stack reads the extra-deps of stack.yaml. Those of the snapshot are not in
// the file; those from archives and repositories have their versions there.
//
// Format: https://docs.haskellstack.org/en/stable/configure/yaml/project/#extra-deps
type Stack struct{}

func (Stack) Name() string { return "stack" }

func (Stack) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/stack.yaml", Scope: assay.ScopeDeclared, MaxSize: maxFile}}
}

func (Stack) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Extra []yaml.Node `yaml:"extra-deps"`
	}
	l := listing.New(assay.TypeHackage)
	l.Error(listing.Decode(f, maxFile, yamldoc.Unmarshal, &doc))
	for _, n := range doc.Extra {
		if n.Kind != yaml.ScalarNode || strings.ContainsAny(n.Value, "/:") && !strings.Contains(n.Value, "@") {
			continue // a directory, an archive, a repository
		}
		if i := add(l, n.Value); i >= 0 {
			l.Packages[i].Relation = assay.RelationDirect
		} else if name, _, _ := strings.Cut(n.Value, "@"); !strings.ContainsAny(name, "./") {
			l.NoVersion(name)
		}
	}
	return l.Facts()
}

// StackLock reads stack.yaml.lock.
//
// Format: https://docs.haskellstack.org/en/stable/topics/lock_files/
type StackLock struct{}

func (StackLock) Name() string { return "stack-lock" }

func (StackLock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/stack.yaml.lock", Scope: assay.ScopeDeclared, MaxSize: maxFile}}
}

func (StackLock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Packages []struct {
			Completed struct {
				Hackage string `yaml:"hackage"`
				Name    string `yaml:"name"` // of those from elsewhere
				Version string `yaml:"version"`
			} `yaml:"completed"`
		} `yaml:"packages"`
	}
	l := listing.New(assay.TypeHackage)
	l.Error(listing.Decode(f, maxFile, yamldoc.Unmarshal, &doc))
	for _, p := range doc.Packages {
		switch c := p.Completed; {
		case c.Hackage != "":
			if add(l, c.Hackage) < 0 {
				l.Malformed("hackage: invalid package %.80q", c.Hackage)
			}
		case c.Name != "":
			l.Add(c.Name, c.Version)
		}
	}
	return l.Facts()
}

// Freeze reads cabal.project.freeze. Constraints that set flags pin nothing. A package
// whose only constraints allow a range, or the version that comes with the compiler
// ("installed"), has no version.
//
// Format: https://cabal.readthedocs.io/en/stable/cabal-commands.html#cabal-freeze
type Freeze struct{}

func (Freeze) Name() string { return "cabal-freeze" }

func (Freeze) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/cabal.project.freeze", Scope: assay.ScopeDeclared, MaxSize: maxFile}}
}

// pinned is a constraint, "any.name ==1.2.3", "name ==1.2.3".
var pinned = regexp.MustCompile(`^(?:any\.|setup\.)?([0-9A-Za-z]+(?:-[0-9A-Za-z]+)*)\s*==\s*([0-9]+(?:\.[0-9]+)*)\s*$`)

// unpinned is a constraint on a version that names none: "any.base installed",
// "wide >=1 && <2", "name ==1.*".
// https://cabal.readthedocs.io/en/stable/cabal-project-description-file.html#cfg-field-constraints
var unpinned = regexp.MustCompile(`^(?:any\.|setup\.)?([0-9A-Za-z]+(?:-[0-9A-Za-z]+)*)(?:\s+installed$|\s*[=<>^(])`)

func (Freeze) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeHackage)
	inside, known, lines := false, false, false
	pins, open := map[string]bool{}, []string{}
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxFile)) {
		if err != nil {
			l.Error(err)
			break
		}
		text := strings.TrimPrefix(line.Text, "\ufeff")
		if t := strings.TrimSpace(text); t == "" || strings.HasPrefix(t, "--") {
			continue
		}
		lines = true
		if text[0] != ' ' && text[0] != '\t' {
			field, rest, ok := strings.Cut(text, ":")
			known = known || ok
			inside, text = strings.TrimSpace(field) == "constraints", rest
		}
		if !inside {
			continue
		}
		for part := range strings.SplitSeq(text, ",") {
			part = strings.TrimSpace(part)
			if m := pinned.FindStringSubmatch(part); m != nil {
				pins[m[1]] = true
				l.Add(m[1], m[2])
			} else if m := unpinned.FindStringSubmatch(part); m != nil {
				open = append(open, m[1])
			}
		}
	}
	for _, name := range open {
		if !pins[name] {
			l.NoVersion(name)
		}
	}
	if lines && !known {
		l.Malformed("no fields")
	}
	return l.Facts()
}
