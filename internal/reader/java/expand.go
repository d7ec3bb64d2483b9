package java

import "strings"

// scopeOf is what expressions, "${name}", mean in a project.
type scopeOf struct {
	properties []properties // the project's own, then its parents'
	self       gav          // as written
	parent     gav
}

// value is what an expression's name means.
func (s scopeOf) value(name string) (string, bool) {
	for _, p := range s.properties {
		if v, ok := p[name]; ok {
			return v, true
		}
	}
	v := ""
	field, up := name, false
	for _, prefix := range []string{"project.", "pom."} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			field, up = strings.CutPrefix(rest, "parent.")
			break
		}
	}
	c := s.self
	if up {
		c = s.parent
	}
	switch field {
	case "groupId":
		v = c.group
	case "artifactId":
		v = c.artifact
	case "version":
		v = c.version
	}
	return v, v != ""
}

// expand replaces the expressions of a text whose meaning is known.
func (s scopeOf) expand(text string) string {
	left := maxExpand
	return s.expandIn(text, &left)
}

// expandIn replaces at most left expressions, those in what they stand for
// included, so that expressions of expressions come to an end.
func (s scopeOf) expandIn(text string, left *int) string {
	if !strings.Contains(text, "${") {
		return text
	}
	var out strings.Builder
	for rest := text; ; {
		i := strings.Index(rest, "${")
		j := -1
		if i >= 0 {
			j = strings.IndexByte(rest[i:], '}')
		}
		if j < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:i])
		*left--
		if v, ok := s.value(rest[i+2 : i+j]); ok && *left >= 0 {
			out.WriteString(s.expandIn(v, left))
		} else {
			out.WriteString(rest[i : i+j+1])
		}
		if out.Len() > maxValue {
			return text
		}
		rest = rest[i+j+1:]
	}
	return out.String()
}

func (s scopeOf) coordinates() gav {
	return gav{s.expand(s.self.group), s.expand(s.self.artifact), s.expand(s.self.version)}
}

func (s scopeOf) dependency(d dependency) dependency {
	for _, f := range []*string{&d.Group, &d.Artifact, &d.Version, &d.Type, &d.Classifier, &d.Scope, &d.Optional} {
		*f = s.expand(*f)
	}
	return d
}

// key is what tells dependencies apart: not the type, but what it makes of the name of
// the file.
//
// https://maven.apache.org/ref/current/maven-core/artifact-handlers.html
func (d dependency) key() string {
	kind, classifier := first(d.Type, "jar"), d.Classifier
	switch kind {
	case "maven-plugin", "ejb", "test-jar", "ejb-client", "java-source", "javadoc":
		classifier = first(classifier, map[string]string{"test-jar": "tests", "ejb-client": "client", "java-source": "sources", "javadoc": "javadoc"}[kind])
		kind = "jar"
	}
	return d.Group + ":" + d.Artifact + ":" + kind + ":" + classifier
}
