package java

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	unlocked "github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Nebula reads dependencies.lock of the plug-in of Nebula for Gradle. What only
// configurations of tests use is Dev.
//
// Format: https://github.com/nebula-plugins/gradle-dependency-lock-plugin/wiki/Usage
type Nebula struct{}

func (Nebula) Name() string { return "nebula-lock" }

func (Nebula) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/dependencies.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Nebula) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc map[string]map[string]struct {
		Locked    string `json:"locked"`
		Requested string `json:"requested"`
		Project   bool   `json:"project"`
	}
	l := lock{listing.New(assay.TypeMaven)}
	l.Error(listing.Decode(f, maxLock, json.Unmarshal, &doc))
	for _, configuration := range slices.Sorted(maps.Keys(doc)) {
		of := doc[configuration]
		for _, name := range slices.Sorted(maps.Keys(of)) {
			group, artifact, ok := strings.Cut(name, ":")
			if of[name].Project || !ok {
				continue // a part of the project; the old form of one table, which has no versions of its own
			}
			l.add(gav{group, artifact, of[name].Locked}, isGradleTest(configuration))
		}
	}
	return l.Facts()
}

// Bazel reads maven_install.json, the lock file of rules_jvm_external, of versions 1
// and 2.
//
// Format: https://github.com/bazel-contrib/rules_jvm_external
type Bazel struct{}

func (Bazel) Name() string { return "bazel-maven-lock" }

func (Bazel) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*maven_install.json", Scope: assay.ScopeDeclared, MaxSize: maxLock}, {Glob: "**/maven_install*.json", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Bazel) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Artifacts map[string]struct {
			Version string `json:"version"`
		} `json:"artifacts"`
		Dependencies map[string][]string `json:"dependencies"`
		Tree         struct {
			Dependencies []struct {
				Coord string   `json:"coord"`
				Needs []string `json:"directDependencies"`
			} `json:"dependencies"`
		} `json:"dependency_tree"`
	}
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	l := lock{listing.New(assay.TypeMaven)}
	// Version 2 has a table of dependencies, version 1 a tree; each is of another shape.
	l.Error(listing.DecodeBytes(b, json.Unmarshal, &doc))
	for _, name := range slices.Sorted(maps.Keys(doc.Artifacts)) {
		parts := strings.Split(name, ":") // group:artifact, group:artifact:packaging, …:classifier
		if len(parts) < 2 {
			l.Malformed("invalid artifact %.80q", name)
			continue
		}
		l.add(gav{parts[0], parts[1], doc.Artifacts[name].Version}, false)
	}
	of := l.Names(nil)
	for name, needs := range doc.Dependencies {
		for _, from := range of[shortName(name)] {
			for _, need := range needs {
				l.Need(from, of[shortName(need)]...)
			}
		}
	}
	for _, d := range doc.Tree.Dependencies {
		parts := strings.Split(d.Coord, ":") // group:artifact[:packaging[:classifier]]:version
		if len(parts) < 3 || len(parts) > 4 && parts[3] == "sources" {
			continue
		}
		l.add(gav{parts[0], parts[1], parts[len(parts)-1]}, false)
	}
	return l.Facts()
}

// shortName is "group:artifact" of a coordinate.
func shortName(s string) string {
	parts := strings.SplitN(s, ":", 3)
	return strings.Join(parts[:min(len(parts), 2)], ":")
}

// Verification reads Gradle's list of checksums, which has all that a build downloads,
// plug-ins among it. Where a lock file lies beside, that tells.
//
// Format: https://docs.gradle.org/current/userguide/dependency_verification.html
type Verification struct{}

func (Verification) Name() string { return "gradle-verification" }

func (Verification) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/verification-metadata.xml", Scope: assay.ScopeDeclared, MaxSize: maxLock}, {Glob: "**/verification-metadata.dryrun.xml", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Verification) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := lock{listing.New(assay.TypeMaven)}
	if path.Base(path.Dir(f.Path)) == "gradle" && unlocked.Exists(f, "../gradle.lockfile") {
		return assay.Facts{}, nil
	}
	d := xml.NewDecoder(limit.Reader(f.Reader(), maxLock))
	var at gav
	library := false
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			l.Error(fmt.Errorf("%w: %w", err, assay.ErrMalformed))
			break
		}
		switch e := t.(type) {
		case xml.StartElement:
			is := map[string]string{}
			for _, a := range e.Attr {
				is[a.Name.Local] = a.Value
			}
			switch e.Name.Local {
			case "component":
				at, library = gav{is["group"], is["name"], is["version"]}, false
			case "artifact":
				library = library || !strings.HasSuffix(is["name"], ".pom") && !strings.HasSuffix(is["name"], ".module")
			}
		case xml.EndElement:
			if e.Name.Local == "component" && library { // parents and lists of versions have no archive
				l.add(at, false)
			}
		}
	}
	return l.Facts()
}
