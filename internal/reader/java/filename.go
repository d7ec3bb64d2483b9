package java

import (
	"path"
	"regexp"
	"strings"
)

// Words of versions and of classifiers, which are not part of the artifact's
// name: in "guava-31.1-jre-sources.jar" the version is "31.1-jre".
var (
	component  = regexp.MustCompile(`(?i)^(v?[0-9]+[a-z]{0,2}[0-9]*|[0-9a-f]{7,40}|(v|r|b|rc|cr|m|sp|ga|pr|ea|alpha|beta|a|final|release|snapshot|rev|rel|build|pre|preview|jre|jdk|java|android|milestone|incubating|incubator|redhat|jbossorg|jboss|fuse|hadoop|cdh|hdp|hf|patch|pl|p|u|dev|fixed|repack|stable|post|dfsg|svn|git|ds)[-_]?[0-9a-z]{0,12}?[0-9]*)$`)
	classifier = regexp.MustCompile(`(?i)^(shaded|all|sources|javadoc|tests?|jar|with|dependencies|no|aop|noaop|natives?|linux|osx|macos|mac|windows|win|win32|win64|x86|x64|amd64|aarch64|aarch_64|x86_64|x86_32|arm64|aarch32|ppcle_64|s390_64|riscv64|universal|shadow|uber|fat|standalone|assembly|exec|bin|runner|classes|plain|full|nodeps|dependency|min|boot|plugin|hadoop[23]?|jdk[0-9]+(on)?|java[0-9]+|nolog|lite|dist|onejar|optimized|classifier|fedora|alpine|musl|signed|obf|remapped|slim|bundle|osgi|debug|release|api|client|server)$`)
	numeric    = regexp.MustCompile(`^[0-9]`)
)

// maxFileName is what file systems have; an archive's members may have more.
const maxFileName = 255

// stem is a file's name without its ending.
func stem(name string) string {
	s := strings.TrimSuffix(name, path.Ext(name))
	return s[:min(len(s), maxFileName)]
}

// documentation reports whether an archive holds documentation only.
func documentation(name string) bool {
	return strings.HasSuffix(strings.ToLower(stem(name)), "-javadoc")
}

// attached reports whether an archive goes with another and so is no package
// of its own.
func attached(name string) bool {
	s := strings.ToLower(stem(name))
	return strings.HasSuffix(s, "-sources") || strings.HasSuffix(s, "-javadoc") || strings.HasSuffix(s, "-test-sources")
}

// isVersion reports whether a word can be the version of an artifact: it has a
// digit in front, and nothing that a version does not have.
func isVersion(v string) bool {
	return v != "" && len(v) <= 100 && (numeric.MatchString(v) || v[0] == 'v' && numeric.MatchString(v[1:]) || v[0] == 'r' && numeric.MatchString(v[1:])) &&
		!strings.ContainsAny(v, "${}@/\\<>()[],;:\"' \t")
}

// splitName tells artifact and version of "artifact-version(-classifier)";
// version is "" when the name tells none. Hint is a version that the archive
// tells of itself, "" for none, by which doubtful names are split.
func splitName(s, hint string) (artifact, version string) {
	if hint != "" {
		if i := strings.LastIndex(s, "-"+hint); i > 0 && (len(s) == i+1+len(hint) || s[i+1+len(hint)] == '-') && classifiers(s[i+1+len(hint):]) {
			return s[:i], hint
		}
	}
	words := strings.Split(s, "-")
	// When a number with dots follows after a word that no version has, the
	// version begins later: "1.2-api-2.17.1".
	dotted := -1
	for i, w := range words {
		if numeric.MatchString(w) && strings.Contains(w, ".") && versionWord(w) {
			dotted = i
		}
	}
	at := len(words[0]) // where the "-" in front of words[i] is
	for i := 1; i < len(words); {
		n := 1
		if at > 0 && at < len(s)-1 && (numeric.MatchString(words[i]) || revision(s[at+1:])) {
			long := leading(words[i:])
			if long > 0 && dotted < i+long {
				return s[:at], strings.Join(words[i:i+long], "-")
			}
			n = max(n, long) // what begins in between ends where this does
		}
		for range n {
			at += 1 + len(words[i])
			i++
		}
	}
	return s, ""
}

// revision reports whether a version begins as those of Google's generated
// clients do: "v1-rev20240101-2.0.0".
func revision(s string) bool {
	first, rest, _ := strings.Cut(s, "-")
	return strings.HasPrefix(rest, "rev") && len(first) > 1 && first[0] == 'v' && numeric.MatchString(first[1:])
}

// classifiers reports whether all of "-word-word" are.
func classifiers(s string) bool {
	for word := range strings.SplitSeq(strings.TrimPrefix(s, "-"), "-") {
		if word != "" && !classifier.MatchString(word) {
			return false
		}
	}
	return true
}

// leading is how many words the version that they begin with has.
func leading(words []string) int {
	n := 0
	for n < len(words) && versionWord(words[n]) && (n == 0 || !classifier.MatchString(words[n])) {
		n++
	}
	return n
}

// versionWord reports whether a part of a name between two "-" can be one of a
// version.
func versionWord(w string) bool {
	if w == "" {
		return false
	}
	for c := range strings.FieldsFuncSeq(w, func(r rune) bool { return r == '.' || r == '_' || r == '+' || r == '~' }) {
		if !component.MatchString(c) {
			return false
		}
	}
	return true
}

// plain is a name without what differs between the ways to write it.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '-' || r == '_' || r == '.':
			return '-'
		}
		return r
	}, s)
}

// sameVersion reports whether two ways to write a version, one of which may be
// OSGi's, mean one: "27.0-jre", "27.0.0.jre".
func sameVersion(a, b string) bool { return a == b || osgi(a) == osgi(b) }

// osgi is a version as the tools that make bundles write it.
// https://docs.osgi.org/specification/osgi.core/8.0.0/framework.module.html#i2655136
func osgi(v string) string {
	var parts []string
	for len(parts) < 3 && v != "" {
		i := 0
		for i < len(v) && v[i] >= '0' && v[i] <= '9' {
			i++
		}
		if i == 0 || i < len(v) && v[i] != '.' && v[i] != '-' && v[i] != '_' {
			break
		}
		parts = append(parts, v[:i])
		if i == len(v) {
			v = ""
			break
		}
		dash := v[i] != '.'
		if v = v[i+1:]; dash {
			break
		}
	}
	for len(parts) < 3 {
		parts = append(parts, "0")
	}
	return strings.Join(parts, ".") + "." + plain(v)
}
