package java

import (
	"context"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	unlocked "github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Scala reads the builds of sbt, Mill and Scala CLI that have no lock file. They are
// programs; what is not plain in them is a gap. The artifacts of Scala's own libraries
// have the version of Scala in their names: where the build does not say which, the
// library is a gap.
//
// Format: https://www.scala-sbt.org/1.x/docs/Library-Dependencies.html,
// https://mill-build.org/mill/fundamentals/library-deps.html
type Scala struct{}

func (Scala) Name() string { return "scala-build" }

func (Scala) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"*.sbt", "build.sc", "build.mill", "project.scala", "Dependencies.scala"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: unlocked.MaxSize})
	}
	return ps
}

func (Scala) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return unlocked.Kind{Type: assay.TypeMaven, Locks: []string{"build.sbt.lock", "../build.sbt.lock"}, Ask: askScala,
		Asks: regexp.MustCompile(`\blibraryDependencies\b|\b(?:ivyDeps|mvnDeps)\b`)}.Read(f)
}

var (
	sbtModule    = regexp.MustCompile(`"([\w.-]+)"\s*(%{1,3})\s*"([\w.-]+)"\s*%\s*(?:"([^"]+)"|([\w.]+))((?:\s*%\s*[\w"]+)?)`)
	coordinate   = regexp.MustCompile(`(?:\b(?:ivy|mvn)"|//>\s*using\s+(?:test\.)?(?:dep|lib|dependency)\s+"?)([\w.-]+)(:{1,3})([\w.-]+)(:{1,2})([^"\s,:]+)`)
	scalaVersion = regexp.MustCompile(`\bscalaVersion\b[^"\n]*"([\w.-]+)"|//>\s*using\s+scala\s+"?([\w.-]+)`)
	scalaValue   = regexp.MustCompile(`\b(?:val|def)\s+(\w+)(?:\s*:\s*String)?\s*=\s*"([^"$]*)"`)
	sbtPlugin    = regexp.MustCompile(`\baddSbtPlugin\b`)
)

func askScala(p *unlocked.Project) error {
	values, scala := map[string]string{}, ""
	lines := unlocked.Lines(p.Text, "/*")
	for i, line := range lines {
		if !strings.Contains(line, "//>") {
			lines[i] = unlocked.Lines(line, "//")[0]
		}
		for _, m := range scalaValue.FindAllStringSubmatch(lines[i], -1) {
			values[m[1]] = m[2]
		}
		if m := scalaVersion.FindStringSubmatch(lines[i]); m != nil && scala == "" {
			scala = binary(m[1] + m[2])
		}
	}
	artifact := func(group, signs, name string) string {
		switch {
		case len(signs) == 1:
			return group + ":" + name
		case scala == "":
			return group + ":" + name + "_${scala}"
		}
		return group + ":" + name + "_" + scala
	}
	for _, line := range lines {
		for _, m := range sbtModule.FindAllStringSubmatch(line, -1) {
			version := m[4]
			if m[5] != "" {
				version = values[m[5][strings.LastIndexByte(m[5], '.')+1:]]
			}
			if sbtPlugin.MatchString(line) {
				p.Ask(m[1]+":"+m[3], fixedVersion(version), true)
				continue
			}
			test := strings.ToLower(strings.Trim(strings.TrimSpace(m[6]), `%" `))
			p.Ask(artifact(m[1], m[2], m[3]), fixedVersion(version), strings.HasPrefix(test, "test") || test == "it" || test == "provided")
		}
		for _, m := range coordinate.FindAllStringSubmatch(line, -1) {
			p.Ask(artifact(m[1], m[2], m[3]), fixedVersion(m[5]), strings.Contains(line, "using test."))
		}
	}
	return nil
}

// binary is the part of a version of Scala that libraries have in their names.
// https://docs.scala-lang.org/overviews/core/binary-compatibility-of-scala-releases.html
func binary(v string) string {
	parts := strings.SplitN(v, ".", 3)
	if len(parts) > 1 && parts[0] == "2" {
		return parts[0] + "." + parts[1]
	}
	return parts[0]
}

// Clojure reads the builds of Leiningen and of Clojure's own tools, and the modules of
// Ivy. None of them has lock files.
//
// Format: https://codeberg.org/leiningen/leiningen/src/branch/main/sample.project.clj,
// https://clojure.org/reference/deps_edn, https://ant.apache.org/ivy/history/latest-milestone/ivyfile.html
type Clojure struct{}

func (Clojure) Name() string { return "clojure-ivy-build" }

func (Clojure) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"project.clj", "deps.edn", "ivy.xml"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: unlocked.MaxSize})
	}
	return ps
}

func (Clojure) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return unlocked.Kind{Type: assay.TypeMaven, Ask: askClojure, Asks: regexp.MustCompile(`:dependencies\s*\[\s*\[|<dependency\b|:mvn/version|:git/url`)}.Read(f)
}

var (
	leiningen = regexp.MustCompile(`\[\s*([A-Za-z][\w.-]*(?:/[\w.-]+)?)\s+"([^"]+)"`)
	depsEDN   = regexp.MustCompile(`([A-Za-z][\w.-]*/[\w.$-]+)\s*\{\s*:mvn/version\s+"([^"]+)"`)
	ivyNeeds  = regexp.MustCompile(`<dependency\b[^>]*>`)
	attribute = regexp.MustCompile(`\b(org|name|rev|conf)\s*=\s*["']([^"']*)["']`)
)

func askClojure(p *unlocked.Project) error {
	if strings.HasSuffix(p.File.Path, ".xml") {
		for _, element := range ivyNeeds.FindAllString(p.Text, -1) {
			is := map[string]string{}
			for _, m := range attribute.FindAllStringSubmatch(element, -1) {
				is[m[1]] = m[2]
			}
			if is["org"] != "" && is["name"] != "" {
				p.Ask(is["org"]+":"+is["name"], fixedVersion(is["rev"]), strings.HasPrefix(is["conf"], "test"))
			}
		}
		return nil
	}
	text := strings.Join(unlocked.Lines(p.Text, ";"), "\n")
	for _, re := range []*regexp.Regexp{leiningen, depsEDN} {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			group, name, ok := strings.Cut(m[1], "/")
			if !ok {
				name = group // "name" is "name/name"
			}
			p.Ask(group+":"+name, fixedVersion(m[2]), false)
		}
	}
	return nil
}
