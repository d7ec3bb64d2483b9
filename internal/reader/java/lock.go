package java

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const maxLock = 32 << 20 // a lock file; the largest known have 2 MB

// Gradle reads Gradle's lock files: one for the project since Gradle 7, one for
// each configuration before. What only configurations of tests use is Dev. They
// do not tell which of the packages the project asks for.
//
// Format: https://docs.gradle.org/current/userguide/dependency_locking.html
type Gradle struct{}

func (Gradle) Name() string { return "gradle-lock" }

func (Gradle) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/gradle.lockfile*", Scope: assay.ScopeDeclared, MaxSize: maxLock},
		{Glob: "**/*gradle.lockfile", Scope: assay.ScopeDeclared, MaxSize: maxLock},
		{Glob: "**/gradle/dependency-locks/*.lockfile", Scope: assay.ScopeDeclared, MaxSize: maxLock},
	}
}

func (Gradle) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := lock{listing.New(assay.TypeMaven)}
	for line, err := range stanza.Lines(f.Reader()) {
		if err != nil {
			l.Error(err)
			break
		}
		text := strings.TrimSpace(line.Text)
		if text == "" || text[0] == '#' || strings.HasPrefix(text, "empty=") {
			continue
		}
		module, configurations, _ := strings.Cut(text, "=")
		if configurations == "" {
			configurations = strings.TrimSuffix(path.Base(f.Path), ".lockfile")
		}
		parts := strings.Split(module, ":")
		if len(parts) != 3 || line.Cut {
			l.Malformed("line %d: want group:artifact:version, have %.60q", line.N, text)
			continue
		}
		dev := true
		for c := range strings.SplitSeq(configurations, ",") {
			dev = dev && (strings.HasPrefix(strings.TrimSpace(c), "test") || strings.Contains(c, "Test"))
		}
		l.add(gav{parts[0], parts[1], parts[2]}, dev)
	}
	return l.Facts()
}

// SBT reads the lock file of the plug-in sbt-dependency-lock. What only tests
// or the place where it runs need is Dev.
//
// Format: https://stringbean.github.io/sbt-dependency-lock/file-formats/index.html
type SBT struct{}

func (SBT) Name() string { return "sbt-lock" }

func (SBT) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/build.sbt.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (SBT) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	var doc struct {
		LockVersion  int
		Dependencies []struct {
			Org, Name, Version string
			Configurations     []string
		}
	}
	if err := listing.JSON(b, &doc); err != nil {
		return assay.Facts{}, err
	}
	if doc.LockVersion > 1 {
		return assay.Facts{}, fmt.Errorf("unsupported format version %d: %w", doc.LockVersion, assay.ErrUnsupported)
	}
	l := lock{listing.New(assay.TypeMaven)}
	for _, d := range doc.Dependencies {
		dev := len(d.Configurations) > 0
		for _, c := range d.Configurations {
			dev = dev && (strings.HasPrefix(c, "test") || c == "provided" || strings.Contains(c, "-test") || c == "it")
		}
		l.add(gav{d.Org, d.Name, d.Version}, dev)
	}
	return l.Facts()
}

type lock struct{ *listing.List }

// add keeps a package; it is Dev when it is so wherever it is listed.
func (l lock) add(c gav, dev bool) {
	if c.group == "" || c.artifact == "" || c.version == "" {
		l.NoVersion(fmt.Sprintf("%q", c.name()+"@"+c.version))
		return
	}
	l.AddDev(c.name(), c.version, dev)
}
