package template

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/markdown"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report/internal/summary"
)

// funcs are the functions that templates may call. Functions that Trivy's or Grype's
// templates also have take the same arguments in the same order; the piped value is the
// last.
func (r *run) funcs() template.FuncMap {
	all := template.FuncMap{
		stepFunc: func() (string, error) { return "", r.spend(0) }, enterFunc: r.enter, leaveFunc: r.leave,

		"package": r.pkg, "pkg": r.pkg, "groups": r.groups,
		"rank": rank, "severities": severities,
		"now": func() time.Time { return r.report.Created }, "getCurrentTime": func() string { return r.report.Created.Format(time.RFC3339Nano) },
		"date": func(layout string, t any) (string, error) { return r.dateInZone(layout, t, "") }, "appVersion": func() string { return r.report.Tool.Version },

		"add": fold(func(a, b int64) (int64, error) { return a + b, nil }), "mul": fold(func(a, b int64) (int64, error) { return a * b, nil }),
		"sub": fold(func(a, b int64) (int64, error) { return a - b, nil }), "div": fold(div), "mod": fold(mod),
		"max": fold(func(a, b int64) (int64, error) { return max(a, b), nil }), "min": fold(func(a, b int64) (int64, error) { return min(a, b), nil }),

		"default": func(d, v any) any { return either(!empty(v), v, d) }, "empty": empty, "ternary": func(yes, no any, ok bool) any { return either(ok, yes, no) },
		"list": func(v ...any) []any { return v }, "first": first, "last": last, "uniq": r.uniq, "sortAlpha": r.sorted,
		"split": func(sep, s string) ([]string, error) {
			return strings.Split(s, sep), r.spend(16 * strings.Count(s, sep))
		},
		"join": r.join, "toString": func(v any) (string, error) { return r.text(text(v)) },
		"contains":  r.asking(func(part, s string) bool { return strings.Contains(s, part) }),
		"hasPrefix": r.asking(func(p, s string) bool { return strings.HasPrefix(s, p) }), "hasSuffix": r.asking(func(p, s string) bool { return strings.HasSuffix(s, p) }),
		"trunc": r.cut(trunc), "abbrev": r.cut(abbrev), "replace": r.replace,
		"regexMatch": regexMatch, "regexFind": regexFind, "regexReplaceAll": r.regexReplaceAll,

		"toJson": r.toJSON(""), "toPrettyJson": r.toJSON("  "),
	}
	all["splitList"] = all["split"]
	maps.Copy(all, r.sprig())
	for name, f := range plain {
		all[name] = func(v any) (string, error) { return r.text(f(text(v))) }
	}
	for name, f := range cutting {
		all[name] = func(part, s string) (string, error) { return f(s, part), r.spend(len(s)) }
	}
	for name, f := range formatting {
		all[name] = func(v ...any) (string, error) {
			if sum, _ := sizes(v); sum > maxText {
				return "", r.spend(sum)
			}
			return r.text(f(v...))
		}
	}
	all["printf"] = r.printf
	for name, view := range r.views {
		all[name] = func(q *assay.Report) (any, error) { return r.once(name, q, view) }
	}
	return all
}

// asking wraps a predicate of a text, whose time grows with the text.
func (r *run) asking(f func(part, s string) bool) func(part, s string) (bool, error) {
	return func(part, s string) (bool, error) { return f(part, s), r.spend(len(s)) }
}

func (r *run) cut(f func(n int, s string) string) func(int, string) (string, error) {
	return func(n int, s string) (string, error) {
		if err := r.spend(len(s)); err != nil {
			return "", err
		}
		return f(n, s), nil
	}
}

// groups returns the findings of a report grouped as in the table.
func (r *run) groups(q *assay.Report) (any, error) {
	return r.once("groups", q, func(q *assay.Report) any { return summary.Groups(q, func(*assay.Package) bool { return true }) })
}

// once converts the report to another form, and remembers the result.
func (r *run) once(name string, q *assay.Report, view func(*assay.Report) any) (any, error) {
	if q != r.report {
		return nil, fmt.Errorf("%s needs the whole report: %w", name, assay.ErrUnsupported)
	}
	if _, ok := r.shown[name]; !ok {
		r.shown[name] = view(q)
	}
	return r.shown[name], r.spend(0)
}

// plain converts a named string to a string.
var plain = map[string]func(string) string{
	"upper": strings.ToUpper, "lower": strings.ToLower, "toLower": strings.ToLower, "toUpper": strings.ToUpper, "title": title, "trim": strings.TrimSpace,
	"quote": strconv.Quote, "squote": func(s string) string { return "'" + s + "'" },
	"escapeXML": escapeXML, "escapeString": html.EscapeString, "escapeMarkdown": markdown.Escape, "printable": printable.Text,
	"sha1sum":   func(s string) string { sum := sha1.Sum([]byte(s)); return hex.EncodeToString(sum[:]) },
	"sha256sum": func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
}

var cutting = map[string]func(s, part string) string{"trimAll": strings.Trim, "trimPrefix": strings.TrimPrefix, "trimSuffix": strings.TrimSuffix}

// formatting replaces functions of text/template whose results are not bounded.
var formatting = map[string]func(...any) string{"print": fmt.Sprint, "println": fmt.Sprintln, "html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper}

// pkg returns the package of a finding or a suppressed finding.
func (r *run) pkg(f any) (*assay.Package, error) {
	n := -1
	switch f := f.(type) {
	case assay.Finding:
		n = f.Package
	case *assay.Finding:
		n = f.Package
	case assay.Suppressed:
		n = f.Package
	case summary.Group:
		n = f.Package
	case int:
		n = f
	default:
		return nil, fmt.Errorf("not a finding but %T: %w", f, assay.ErrUnsupported)
	}
	if n < 0 || n >= len(r.report.Packages) {
		return nil, fmt.Errorf("package %d of %d: %w", n, len(r.report.Packages), assay.ErrNotFound)
	}
	return &r.report.Packages[n], nil
}

// rank returns a severity as a number, from 0 for unknown to 5 for critical.
func rank(v any) (int, error) {
	s, ok := assay.ParseSeverity(text(v))
	if !ok {
		return 0, fmt.Errorf("unknown severity %q: %w", text(v), assay.ErrMalformed)
	}
	return int(s), nil
}

// severities lists all severities, worst first.
func severities() (out []string) {
	for s := assay.SeverityCritical; s > 0; s-- {
		out = append(out, s.String())
	}
	return append(out, assay.SeverityUnknown.String())
}

// fold extends a function of two whole numbers to any number of them.
func fold(f func(a, b int64) (int64, error)) func(...any) (int64, error) {
	return func(v ...any) (int64, error) {
		var out int64
		for i, x := range v {
			n, err := number(x)
			if err == nil && i > 0 {
				n, err = f(out, n)
			}
			if err != nil {
				return 0, err
			}
			out = n
		}
		return out, nil
	}
}

func div(a, b int64) (int64, error) {
	if b == 0 {
		return 0, fmt.Errorf("division by zero: %w", assay.ErrMalformed)
	}
	return a / b, nil
}

func mod(a, b int64) (int64, error) {
	if b == 0 {
		return 0, fmt.Errorf("division by zero: %w", assay.ErrMalformed)
	}
	return a % b, nil
}

func number(v any) (int64, error) {
	switch x := reflect.ValueOf(v); {
	case !x.IsValid():
	case x.CanInt():
		return x.Int(), nil
	case x.CanUint():
		return int64(x.Uint()), nil
	case x.CanFloat():
		return int64(x.Float()), nil
	case x.Kind() == reflect.String:
		if n, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%v is not a number: %w", v, assay.ErrMalformed)
}

func either(first bool, a, b any) any {
	if first {
		return a
	}
	return b
}

func empty(v any) bool {
	truth, _ := template.IsTrue(v)
	return !truth
}

// text returns a value in words.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(v)
}

func texts(v []any) []string {
	out := make([]string, len(v))
	for i := range v {
		out[i] = text(v[i])
	}
	return out
}

// elements returns the elements of any list as texts. They count as work.
func (r *run) elements(list any) ([]string, error) {
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return nil, fmt.Errorf("not a list but %T: %w", list, assay.ErrUnsupported)
	}
	out := make([]string, v.Len())
	for i := range out {
		e := v.Index(i)
		out[i] = text(e.Interface())
		work := len(out[i])
		if e.Kind() != reflect.String { // writing the elements costs more than copying them
			work *= 8
		}
		if err := r.spend(work); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func first(list any) (any, error) { return at(list, func(n int) int { return 0 }) }

func last(list any) (any, error) { return at(list, func(n int) int { return n - 1 }) }

func at(list any, which func(n int) int) (any, error) {
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return nil, fmt.Errorf("not a list but %T: %w", list, assay.ErrUnsupported)
	}
	if v.Len() == 0 {
		return nil, nil
	}
	return v.Index(which(v.Len())).Interface(), nil
}

func (r *run) sorted(list any) ([]string, error) {
	l, err := r.elements(list)
	return slices.Sorted(slices.Values(l)), err
}

func (r *run) uniq(list any) (out []string, _ error) {
	l, err := r.elements(list)
	seen := map[string]bool{}
	for _, s := range l {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, err
}

func (r *run) join(sep string, list any) (string, error) {
	l, err := r.elements(list)
	if err != nil {
		return "", err
	}
	if err := r.spend(len(l) * len(sep)); err != nil {
		return "", err
	}
	return strings.Join(l, sep), nil
}

func (r *run) replace(old, new, s string) (string, error) {
	if err := r.spend(len(s) + strings.Count(s, old)*max(0, len(new)-len(old))); err != nil {
		return "", err
	}
	return strings.ReplaceAll(s, old, new), nil
}

// title capitalises the first letter of each word.
func title(s string) string {
	before := ' '
	return strings.Map(func(c rune) rune {
		if !unicode.IsLetter(before) && !unicode.IsDigit(before) && before != '\'' {
			before = c
			return unicode.ToTitle(c)
		}
		before = c
		return c
	}, s)
}

// trunc returns the first n characters, or the last ones for a negative n.
func trunc(n int, s string) string {
	c := []rune(s)
	switch {
	case n >= 0 && n < len(c):
		return string(c[:n])
	case n < 0 && n > -len(c):
		return string(c[len(c)+n:])
	}
	return s
}

// abbrev returns n characters that end with three dots where text is left out.
func abbrev(n int, s string) string {
	if n < 4 || utf8.RuneCountInString(s) <= n {
		return s
	}
	return trunc(n-3, s) + "..."
}

func escapeXML(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // writing to a builder never fails
	return b.String()
}

// sizes returns the total length of the values as text, and the longest.
func sizes(all []any) (sum, longest int) {
	for _, v := range all {
		n := 0
		switch v := v.(type) {
		case string:
			n = len(v)
		case nil, bool, int, int64, float64:
		default:
			n = len(text(v))
		}
		sum, longest = sum+n, max(longest, n)
	}
	return sum, longest
}

// wide matches a width that makes a short text long.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*(\d{5}|\*)`)

// printf is fmt.Sprintf without widths of 10,000 and more, and without *.
func (r *run) printf(form string, v ...any) (string, error) {
	if wide.MatchString(form) {
		return "", fmt.Errorf("printf %q: the width: %w", printable.Cut(form, 40), assay.ErrTooLarge)
	}
	verbs := strings.Count(form, "%")
	if _, longest := sizes(v); verbs > 0 && longest > (maxText-len(form))/verbs { // a verb may refer to any of the values
		return "", r.spend(maxText + 1)
	}
	return r.text(fmt.Sprintf(form, v...))
}

// maxSearched bounds the texts that expressions search, and the positions found.
const maxSearched = 1 << 20

func expression(expr, s string) (*regexp.Regexp, error) {
	if len(s) > maxSearched {
		return nil, fmt.Errorf("search in a text of %d bytes exceeds the limit of %d: %w", len(s), maxSearched, assay.ErrTooLarge)
	}
	return regexp.Compile(expr)
}

func regexMatch(expr, s string) (bool, error) {
	re, err := expression(expr, s)
	return err == nil && re.MatchString(s), err
}

func regexFind(expr, s string) (string, error) {
	re, err := expression(expr, s)
	if err != nil {
		return "", err
	}
	return re.FindString(s), nil
}

// regexReplaceAll replaces each match by with, in which $1 is the first group.
func (r *run) regexReplaceAll(expr, s, with string) (string, error) {
	re, err := expression(expr, s)
	if err != nil {
		return "", err
	}
	n := len(re.FindAllStringIndex(s, -1))
	if err := r.spend(len(s)*(1+strings.Count(with, "$")) + n*len(with)); err != nil {
		return "", err
	}
	return re.ReplaceAllString(s, with), nil
}

func (r *run) toJSON(indent string) func(any) (string, error) {
	return func(v any) (string, error) {
		var b strings.Builder
		err := printable.Write(&b, printable.EscapeJSON, func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", indent)
			return e.Encode(v)
		})
		if err != nil {
			return "", err
		}
		return r.text(strings.TrimSuffix(b.String(), "\n"))
	}
}
