package java

import (
	"context"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	unlocked "github.com/assaysec/assay/internal/reader/internal/manifest"
)

// gradleLocks are the lock files of Gradle and of the plug-in of Nebula, beside a build
// or in the root of a build of several parts.
var gradleLocks = []string{"gradle.lockfile", "dependencies.lock", "gradle/dependency-locks/*.lockfile", "gradle/verification-metadata.xml", "gradle/verification-metadata.dryrun.xml"}

// Build reads the build files of Gradle, in Groovy and Kotlin, of projects that have no
// lock file. They are programs; what is not plain in them is a gap. What a catalog of
// versions names is listed where that is read.
//
// Format: https://docs.gradle.org/current/userguide/declaring_dependencies.html
type Build struct{}

func (Build) Name() string { return "gradle-build" }

func (Build) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/*.gradle", Scope: assay.ScopeDeclared, MaxSize: unlocked.MaxSize},
		{Glob: "**/*.gradle.kts", Scope: assay.ScopeDeclared, MaxSize: unlocked.MaxSize},
	}
}

func (Build) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return unlocked.Kind{Type: assay.TypeMaven, Locks: gradleLocks, Covers: coversGradle, Ask: askGradle,
		Asks: regexp.MustCompile(`(?m)^\s*\w*(?:[iI]mplementation|[cC]ompile|[aA]pi|[rR]untime|[cC]ompileOnly|[rR]untimeOnly)\b[\s(]+["'\w]`)}.Read(f)
}

// coversGradle reports whether a directory above has a list of checksums, which is
// there once for a build of many parts.
func coversGradle(p *unlocked.Project, up, _ string) bool {
	return unlocked.Exists(p.File, path.Join(up, "gradle/verification-metadata.xml"))
}

var (
	gradleText = regexp.MustCompile(`\b(\w+)?[\s(]*(?:platform\(|enforcedPlatform\(|kapt\(|project\()?\s*["']([\w.-]+):([\w.-]+):([^"'@:\s]+)(?::[\w.-]+)?(?:@\w+)?["']`)
	gradleMap  = regexp.MustCompile(`\b(\w+)?[\s(]+group\s*[:=]\s*["']([^"']+)["']\s*,\s*name\s*[:=]\s*["']([^"']+)["'](?:\s*,\s*version\s*[:=]\s*["']?([^"',\s)]+))?`)
	gradleBare = regexp.MustCompile(`^\s*(\w*(?:[iI]mplementation|[cC]ompile|[aA]pi|[rR]untime|Only))\b[\s(]+["']([\w.-]+):([\w.-]+)["']`)
	gradleRef  = regexp.MustCompile(`^\s*(\w*(?:[iI]mplementation|[cC]ompile|[aA]pi|[rR]untime|Only|Processor|kapt|ksp))\b[\s(]+(?:platform\()?(libs\.[\w.]+)`)
	gradleSet  = regexp.MustCompile(`\b(?:(?:val|var|def|ext\.|extra\[["'])\s*)?([\w.]+)(?:["']\])?\s*=\s*["']([\w.+-]+)["']`)
	gradleVar  = regexp.MustCompile(`\$\{?([\w.]+)\}?`)
	plugin     = regexp.MustCompile(`\bid\b[\s(]*["']([\w.-]+)["']\)?\s+version\s*[( ]\s*["']([\w.+-]+)["']`)
)

func askGradle(p *unlocked.Project) error {
	values := gradleValues(p)
	for _, line := range unlocked.Lines(p.Text, "//", "/*") {
		for _, m := range append(gradleText.FindAllStringSubmatch(line, -1), gradleMap.FindAllStringSubmatch(line, -1)...) {
			version := gradleVar.ReplaceAllStringFunc(m[4], func(s string) string {
				if v, ok := values[strings.TrimPrefix(strings.Trim(s, "${}"), "rootProject.")]; ok {
					return v
				}
				return s
			})
			if v, ok := values[version]; ok && !strings.Contains(m[0], version+`"`) && !strings.Contains(m[0], version+"'") {
				version = v // a variable without quotes
			}
			p.Ask(m[2]+":"+m[3], fixedVersion(version), isGradleTest(m[1]))
		}
		if m := gradleBare.FindStringSubmatch(line); m != nil {
			p.Ask(m[2]+":"+m[3], "", isGradleTest(m[1]))
		}
		if m := gradleRef.FindStringSubmatch(line); m != nil && !unlocked.Exists(p.File, "gradle/libs.versions.toml") && !unlocked.Exists(p.File, "../gradle/libs.versions.toml") && !unlocked.Exists(p.File, "../../gradle/libs.versions.toml") {
			p.Ask(m[2], "", isGradleTest(m[1]))
		} else if m != nil {
			p.Elsewhere()
		}
		for _, m := range plugin.FindAllStringSubmatch(line, -1) {
			p.Ask(m[1]+":"+m[1]+".gradle.plugin", m[2], true)
		}
	}
	return nil
}

// isGradleTest reports whether only tests use a configuration.
func isGradleTest(configuration string) bool {
	return strings.HasPrefix(configuration, "test") || strings.Contains(configuration, "Test")
}

// gradleValues are the variables that a build file, and gradle.properties beside it or
// in the directory above, set to a plain text.
func gradleValues(p *unlocked.Project) map[string]string {
	values := map[string]string{}
	for _, name := range []string{"../gradle.properties", "gradle.properties"} {
		b, err := p.File.Sibling(name, unlocked.MaxSize)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				values[strings.TrimSpace(key)] = strings.TrimSpace(value)
			}
		}
	}
	for _, line := range unlocked.Lines(p.Text, "//", "/*") {
		for _, m := range gradleSet.FindAllStringSubmatch(line, -1) {
			values[strings.TrimPrefix(m[1], "ext.")] = m[2]
		}
	}
	return values
}

// fixedVersion is a version, or "" for a requirement that several meet: "1.+",
// "[1,2)", "latest.release", a variable.
func fixedVersion(v string) string {
	if strings.ContainsAny(v, "+[](),$ {}") && !strings.Contains(strings.TrimSuffix(v, "+"), "+") || strings.HasPrefix(v, "latest") || strings.ContainsAny(v, "[](),$ {}") {
		return ""
	}
	if v == "" || !strings.ContainsAny(v[:1], "0123456789rvRV") && !strings.ContainsAny(v, "0123456789") {
		return ""
	}
	return v
}

// Catalog reads Gradle's catalogs of versions. A build names what it takes from them by
// aliases, so all of them count as asked for.
//
// Format: https://docs.gradle.org/current/userguide/version_catalogs.html#sec:version-catalog-declaration
type Catalog struct{}

func (Catalog) Name() string { return "gradle-catalog" }

func (Catalog) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*.versions.toml", Scope: assay.ScopeDeclared, MaxSize: unlocked.MaxSize}}
}

func (Catalog) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	k := unlocked.Kind{Type: assay.TypeMaven, Ask: askCatalog}
	for _, name := range gradleLocks {
		k.Locks = append(k.Locks, name, "../"+name)
	}
	k.Locks = append(k.Locks, "verification-metadata.xml")
	return k.Read(f)
}

func askCatalog(p *unlocked.Project) error {
	var doc struct {
		Versions  map[string]any `toml:"versions"`
		Libraries map[string]any `toml:"libraries"`
		Plugins   map[string]any `toml:"plugins"`
	}
	if err := listing.DecodeBytes([]byte(p.Text), tomldoc.Unmarshal, &doc); err != nil {
		return err
	}
	for _, set := range []struct {
		of  map[string]any
		dev bool
	}{{doc.Libraries, false}, {doc.Plugins, true}} {
		for _, alias := range slices.Sorted(maps.Keys(set.of)) {
			name, version := catalogEntry(set.of[alias], doc.Versions)
			if set.dev && name != "" && !strings.Contains(name, ":") {
				name += ":" + name + ".gradle.plugin" // how Gradle looks for it in a repository
			}
			if name != "" {
				p.Ask(name, fixedVersion(version), set.dev)
			}
		}
	}
	return nil
}

// catalogEntry is the name and the version of a library or of a plug-in.
func catalogEntry(v any, versions map[string]any) (name, version string) {
	if s, ok := v.(string); ok { // "group:artifact:version", "plugin:version"
		i := strings.LastIndexByte(s, ':')
		return s[:max(i, 0)], s[i+1:]
	}
	t, _ := v.(map[string]any)
	text := func(key string) string { s, _ := t[key].(string); return s }
	name = first(text("module"), text("id"))
	if name == "" && text("group") != "" && text("name") != "" {
		name = text("group") + ":" + text("name")
	}
	wanted := t["version"]
	if m, ok := wanted.(map[string]any); ok && m["ref"] != nil {
		ref, _ := m["ref"].(string)
		wanted = versions[ref]
	}
	return name, richVersion(wanted)
}

// richVersion is the version of a text, or of a table that says how strict it is.
// https://docs.gradle.org/current/userguide/dependency_versions.html#sec:rich-version-constraints
func richVersion(v any) string {
	if m, ok := v.(map[string]any); ok {
		for _, key := range []string{"strictly", "require", "prefer"} {
			if s, _ := m[key].(string); fixedVersion(s) != "" {
				return s
			}
		}
		return ""
	}
	s, _ := v.(string)
	return strings.TrimSuffix(s, "!!")
}
