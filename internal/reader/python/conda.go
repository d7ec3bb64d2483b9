package python

import (
	"context"
	"errors"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxCondaRecord: a record lists every file of its package, the largest some
// hundred thousand.
const maxCondaRecord = 64 << 20

// Conda reads the records of what is installed in Conda's environments.
//
// Format: https://docs.conda.io/projects/conda/en/latest/dev-guide/deep-dives/install.html
type Conda struct{}

func (Conda) Name() string { return "conda" }

func (Conda) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/conda-meta/*.json", Scope: assay.ScopeInstalled, MaxSize: maxCondaRecord}}
}

func (Conda) Read(ctx context.Context, f *assay.File) (assay.Facts, error) {
	d := jsonstream.NewDecoder(ctx, f.Reader(), maxCondaRecord)
	var name, version, licence string
	fields := map[string]*string{"name": &name, "version": &version, "license": &licence}
	err := d.Object(func(key string) error {
		if into, ok := fields[key]; ok {
			_, err := d.Value(into)
			return err
		}
		return d.Skip()
	})
	if err == nil {
		err = d.End()
	}
	if err != nil {
		return assay.Facts{}, err
	}
	l := condaList()
	if i := l.Add(name, version); i >= 0 && licence != "" {
		l.Packages[i].Licences = []string{licence}
	}
	return l.Facts()
}

// condaList is a list of Conda's packages, whose names may begin with an
// underscore, as that of "_libgcc_mutex".
func condaList() *listing.List {
	l := listing.New(assay.TypeConda)
	l.Name = func(s string) bool { return validName(strings.TrimLeft(s, "_")) }
	l.Version = validVersion
	return l
}

// Environment reads Conda's environment files: what names a version, and what
// pip is to install besides. A file that has no list of dependencies is none.
//
// Format: https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html#creating-an-environment-file-manually
type Environment struct{}

func (Environment) Name() string { return "conda-environment" }

func (Environment) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/environment.yml", Scope: assay.ScopeDeclared, MaxSize: maxRequirements},
		{Glob: "**/environment.yaml", Scope: assay.ScopeDeclared, MaxSize: maxRequirements},
	}
}

func (Environment) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxRequirements)
	if err != nil {
		return assay.Facts{}, err
	}
	var doc struct {
		Dependencies []condaEntry `yaml:"dependencies"`
	}
	conda := condaList()
	conda.Error(yamldoc.Unmarshal([]byte(text(b)), &doc))
	pip := asked{list: newList(assay.TypePyPI), f: f, pins: map[string]string{}, got: map[string]bool{}}
	for _, e := range doc.Dependencies {
		if e.spec != "" {
			conda.Add(condaSpec(e.spec))
		}
		pip.read("pip", strings.Join(e.pip, "\n"), 0, false)
	}
	pip.settle()
	facts, err := conda.Facts()
	more, err2 := pip.Facts()
	facts.Packages = append(facts.Packages, more.Packages...)
	return facts, errors.Join(err, err2)
}

// A condaEntry is a specification, or a table of what pip is to install.
type condaEntry struct {
	spec string
	pip  []string
}

// UnmarshalYAML tells which.
func (e *condaEntry) UnmarshalYAML(decode func(any) error) error {
	if decode(&e.spec) == nil {
		return nil
	}
	var more struct {
		Pip []string `yaml:"pip"`
	}
	err := decode(&more)
	e.pip = more.Pip
	return err
}

// condaSpec reads a match specification: "name=1.2=build", "channel::name==1.2",
// "name 1.2 build", "name[version='1.2']". The version is "" where several are
// allowed; "name=1.2" allows 1.2.3 too, but it is what exports without builds
// write of the one that was installed.
// https://docs.conda.io/projects/conda/en/latest/user-guide/concepts/pkg-specs.html#package-match-specifications
func condaSpec(s string) (name, version string) {
	s = strings.TrimSpace(s)
	if _, after, ok := strings.Cut(s, "::"); ok {
		s = after
	}
	s, in, bracketed := strings.Cut(s, "[")
	end := strings.IndexAny(s, "=<>!~ ")
	if end < 0 {
		end = len(s)
	}
	name = s[:end]
	if bracketed {
		for part := range strings.SplitSeq(strings.TrimSuffix(in, "]"), ",") {
			if v, ok := strings.CutPrefix(strings.TrimSpace(part), "version="); ok {
				s = name + "=" + strings.Trim(v, `'"`)
			}
		}
	}
	version = strings.TrimSpace(strings.TrimLeft(s[end:], "= "))
	if i := strings.IndexAny(version, "= "); i >= 0 && !strings.ContainsAny(version[:i], "<>!~,|") {
		version = version[:i]
	}
	if strings.ContainsAny(version, "<>!~,|*= ") {
		return name, ""
	}
	return name, version
}
