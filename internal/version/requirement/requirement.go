// Package requirement reads the requirements on versions that ecosystems
// write, such as ">= 1.2, < 2 || ^3.1", and turns them into ranges.
//
// A requirement here is a set of places in the order of versions. What package
// managers add, such as that pre-releases are taken only when named, is left
// out, for advisories mean the order.
//
// Specifications: Cargo https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html,
// Composer https://getcomposer.org/doc/articles/versions.md,
// RubyGems https://guides.rubygems.org/patterns/#declaring-dependencies (Hex is alike),
// npm https://github.com/npm/node-semver#ranges,
// Python https://packaging.python.org/en/latest/specifications/version-specifiers/,
// Maven https://maven.apache.org/pom.html#dependency-version-requirement-specification,
// NuGet https://learn.microsoft.com/en-us/nuget/concepts/package-versioning
package requirement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// A Syntax is an ecosystem's way to write requirements.
type Syntax string

// The syntaxes. Plain has comparisons only, and reads "~" and "^" as parts of
// versions. Maven is NuGet's, too.
const (
	Plain    Syntax = "plain"
	Cargo    Syntax = "cargo"
	Composer Syntax = "composer"
	Gem      Syntax = "gem"
	Hex      Syntax = "hex"
	Maven    Syntax = "maven"
	NPM      Syntax = "npm"
	Python   Syntax = "python"
)

// maxText bounds requirements in bytes, those of a list together; the time it
// takes grows with its square. The longest known have 3 kB.
const maxText = 16 << 10

// A reader reads one requirement.
type reader struct {
	Syntax
	scheme version.Scheme
}

// Parse reads a requirement on versions of a scheme. What it cannot read is
// ErrMalformed.
func Parse(syntax Syntax, scheme version.Scheme, text string) (Set, error) {
	r := reader{syntax, scheme}
	if len(text) > maxText {
		return Set{}, fmt.Errorf("over %d bytes: %w", maxText, assay.ErrTooLarge)
	}
	set, err := r.parse(strings.TrimSpace(text))
	if err != nil {
		return Set{}, fmt.Errorf("requirement %.80q: %w", text, err)
	}
	return set, nil
}

// Any is the union of requirements.
func Any(syntax Syntax, scheme version.Scheme, texts []string) (Set, error) {
	out := Set{scheme: scheme}
	total := 0
	for _, text := range texts {
		total += len(text)
	}
	if total+len(texts) > maxText {
		return Set{}, fmt.Errorf("requirements over %d bytes: %w", maxText, assay.ErrTooLarge)
	}
	for _, text := range texts {
		set, err := Parse(syntax, scheme, text)
		if err != nil {
			return Set{}, err
		}
		out = out.Or(set)
	}
	return out, nil
}

func (r reader) parse(text string) (Set, error) {
	if text == "" {
		return Set{}, malformed("empty")
	}
	if text[0] == '[' || text[0] == '(' {
		return r.brackets(text)
	}
	if r.Syntax == Composer {
		text = strings.ReplaceAll(text, "||", "|")
		text = strings.ReplaceAll(text, "|", "||")
	}
	out := Set{scheme: r.scheme}
	for _, part := range strings.Split(text, "||") {
		set, err := r.all(strings.TrimSpace(part))
		if err != nil {
			return Set{}, err
		}
		out = out.Or(set)
	}
	return out, nil
}

// all reads comparisons all of which must hold.
func (r reader) all(text string) (Set, error) {
	out := everything(r.scheme)
	tokens := r.tokens(text)
	if len(tokens) == 0 {
		return Set{}, malformed("empty alternative")
	}
	for i := 0; i < len(tokens); i++ {
		op, v := split(tokens[i])
		if v == "" && op != "" && i+1 < len(tokens) {
			i++
			v = tokens[i]
		}
		var set Set
		var err error
		if (r.Syntax == NPM || r.Syntax == Composer) && op == "" && i+2 < len(tokens) && tokens[i+1] == "-" {
			set, err = r.hyphen(v, tokens[i+2])
			i += 2
		} else {
			set, err = r.compare(op, v)
		}
		if err != nil {
			return Set{}, err
		}
		out = out.And(set)
	}
	return out, nil
}

// tokens cuts at blanks, commas and, where versions cannot hold them, in front
// of operators.
func (r reader) tokens(text string) []string {
	text = strings.ReplaceAll(text, "&&", " ")
	if r.Syntax != Plain {
		var b strings.Builder
		for i := range len(text) {
			if i > 0 && strings.IndexByte("<>=!^", text[i]) >= 0 && strings.IndexByte("<>=!~^ ", text[i-1]) < 0 && !epoch(text, i) {
				b.WriteByte(' ')
			}
			b.WriteByte(text[i])
		}
		text = b.String()
	}
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r' })
}

// epoch reports whether the byte at i is the mark behind an epoch of Python's: "1!2.0".
func epoch(text string, i int) bool {
	return text[i] == '!' && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9'
}

// split divides an operator from the version behind it.
func split(token string) (op, v string) {
	n := 0
	for n < len(token) && strings.IndexByte("<>=!~^", token[n]) >= 0 {
		n++
	}
	return token[:n], token[n:]
}

// hyphen is npm's and Composer's "1.2 - 2.3".
func (r reader) hyphen(from, to string) (Set, error) {
	low, err := r.compare(">=", from)
	if err != nil {
		return Set{}, err
	}
	high, err := r.compare("<=", to)
	if parts := numbers(to); err == nil && r.Syntax == Composer && 0 < len(parts) && len(parts) < 3 {
		high, err = r.below(next(parts, len(parts)-1))
	}
	return low.And(high), err
}

// compare reads one comparison.
func (r reader) compare(op, v string) (Set, error) {
	v = strings.TrimSpace(v)
	if v == "*" || strings.EqualFold(v, "x") {
		return everything(r.scheme), nil
	}
	if v == "" {
		return Set{}, malformed("operator without version")
	}
	if r.Syntax != Plain && len(v) > 1 && (v[0] == 'v' || v[0] == 'V') && v[1] >= '0' && v[1] <= '9' {
		v = v[1:]
	}
	if op == "" && r.Syntax == Cargo {
		op = "^"
	}
	parts, partial := r.partial(v)
	switch op {
	case "^":
		return r.caret(v, parts)
	case "~", "~>", "~=":
		return r.tilde(op, v, parts)
	}
	if partial {
		return r.comparePartial(op, parts)
	}
	return r.compareFull(op, v)
}

func (r reader) compareFull(op, v string) (Set, error) {
	at, err := r.at(v)
	if err != nil {
		return Set{}, err
	}
	switch op {
	case "", "=", "==", "===":
		return r.set(interval{low: at, high: at, lowIn: true, highIn: true}), nil
	case "!=", "<>":
		return r.set(interval{low: at, high: at, lowIn: true, highIn: true}).Not(), nil
	case ">":
		return r.set(interval{low: at.origin()}), nil
	case ">=", "=>":
		return r.set(interval{low: at.origin(), lowIn: true}), nil
	case "<", "<=", "=<":
		if at.origin() == nil {
			return Set{scheme: r.scheme}, nil // nothing is below zero
		}
		return r.set(interval{high: at, highIn: op != "<"}), nil
	}
	return Set{}, malformed("operator " + op)
}

// comparePartial compares with all versions that begin with parts.
func (r reader) comparePartial(op string, parts []string) (Set, error) {
	first, err := r.least(parts, op == "<" || op == ">=" || op == "=>")
	if err != nil {
		return Set{}, err
	}
	behind, err := r.below(next(parts, len(parts)-1))
	if err != nil {
		return Set{}, err
	}
	switch op {
	case "", "=", "==", "===":
		return first.And(behind), nil
	case "!=", "<>":
		return first.And(behind).Not(), nil
	case ">":
		return behind.Not(), nil
	case ">=", "=>":
		return first, nil
	case "<":
		return first.Not(), nil
	case "<=", "=<":
		return behind, nil
	}
	return Set{}, malformed("operator " + op)
}

// partial returns the leading numbers of a version, and whether it stands for
// all that begin with them: one with a wildcard, or of fewer numbers than a
// semantic version has.
func (r reader) partial(v string) (parts []string, partial bool) {
	parts = numbers(v)
	head, _, _ := strings.Cut(v, "-")
	for _, p := range strings.Split(head, ".") {
		if p == "*" || (r.Syntax == NPM || r.Syntax == Cargo) && (p == "x" || p == "X") {
			return parts, len(parts) > 0
		}
	}
	plain := strings.Join(parts, ".") == v
	return parts, plain && len(parts) < 3 && (r.Syntax == NPM || r.Syntax == Cargo || r.Syntax == Hex)
}

// numbers are the numbers that a version begins with, between dots. An epoch of Python's
// stays with the first, "1!2".
func numbers(v string) (out []string) {
	if e, rest, ok := strings.Cut(v, "!"); ok && e != "" && strings.Trim(e, "0123456789") == "" {
		if out = numbers(rest); len(out) > 0 {
			out[0] = e + "!" + out[0]
		}
		return out
	}
	v, _, _ = strings.Cut(v, "+")
	v, _, _ = strings.Cut(v, "-")
	for _, p := range strings.Split(v, ".") {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			break
		}
		out = append(out, p)
	}
	return out
}

// caret keeps the first number that is not zero.
func (r reader) caret(v string, parts []string) (Set, error) {
	if len(parts) == 0 {
		return Set{}, malformed("no number")
	}
	i := slices.IndexFunc(parts, func(p string) bool { return strings.Trim(p, "0") != "" })
	if i < 0 {
		i = len(parts) - 1
	}
	return r.from(v, parts, next(parts, i))
}

// tilde keeps all numbers but the last, npm's and Cargo's the first two.
func (r reader) tilde(op, v string, parts []string) (Set, error) {
	if len(parts) == 0 {
		return Set{}, malformed("no number")
	}
	i := max(len(parts)-2, 0)
	if op == "~" && (r.Syntax == NPM || r.Syntax == Cargo) {
		i = min(len(parts)-1, 1)
	}
	return r.from(v, parts, next(parts, i))
}

func (r reader) from(v string, parts, end []string) (Set, error) {
	var low Set
	var err error
	if _, partial := r.partial(v); partial {
		low, err = r.least(parts, true)
	} else {
		low, err = r.compareFull(">=", v)
	}
	if err != nil {
		return Set{}, err
	}
	high, err := r.below(end)
	return low.And(high), err
}

// next raises number i and drops those behind it.
func next(parts []string, i int) []string {
	out := slices.Clone(parts[:i+1])
	out[i] = increment(out[i])
	return out
}

// increment adds one to a decimal number of any length.
func increment(digits string) string {
	if epoch, rest, ok := strings.Cut(digits, "!"); ok {
		return epoch + "!" + increment(rest)
	}
	b := []byte(digits)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}

// least holds the versions from the first that begins with parts; except
// Cargo's, its pre-releases are included. Named: the requirement means that
// version, so it can be a fix.
func (r reader) least(parts []string, named bool) (Set, error) {
	v := strings.Join(parts, ".")
	switch r.Syntax {
	case Cargo, Hex:
		v = padded(parts)
	case NPM:
		v = padded(parts) + "-0"
	case Composer:
		v = padded(parts) + "-dev"
	case Python:
		v += ".dev0"
	}
	set, err := r.compareFull(">=", v)
	set = set.Unfixed()
	if named && len(set.in) > 0 && set.in[0].low != nil {
		set.in[0].low.fix = padded(parts)
	}
	return set, err
}

// below holds the versions before all that begin with parts, their
// pre-releases included.
func (r reader) below(parts []string) (Set, error) {
	v := strings.Join(parts, ".")
	switch r.Syntax {
	case NPM, Cargo, Hex:
		v = padded(parts) + "-0"
	case Composer:
		v = padded(parts) + "-dev"
	case Python:
		v += ".dev0"
	case Gem:
		v += ".a"
	}
	set, err := r.compareFull("<", v)
	return set.Unfixed(), err
}

// padded writes three numbers.
func padded(parts []string) string {
	return strings.Join(append(slices.Clone(parts), []string{"0", "0", "0"}[min(len(parts), 3):]...), ".")
}

// brackets reads intervals as mathematicians write them: "[1.0,2.0),[3.0]".
func (r reader) brackets(text string) (Set, error) {
	out := Set{scheme: r.scheme}
	for text != "" {
		end := strings.IndexAny(text, ")]")
		if end < 0 || text[0] != '[' && text[0] != '(' {
			return Set{}, malformed("interval")
		}
		low, high, two := strings.Cut(text[1:end], ",")
		if !two {
			high = low
		}
		set := everything(r.scheme)
		for _, c := range []struct{ op, v string }{{map[byte]string{'[': ">=", '(': ">"}[text[0]], low}, {map[byte]string{']': "<=", ')': "<"}[text[end]], high}} {
			v := strings.TrimSpace(c.v)
			if v == "" && two {
				continue
			}
			one, err := r.compareFull(c.op, v)
			if err != nil {
				return Set{}, err
			}
			set = set.And(one)
		}
		out = out.Or(set)
		text = strings.TrimLeft(strings.TrimSpace(text[end+1:]), ",| ")
	}
	return out, nil
}

func malformed(why string) error { return fmt.Errorf("%s: %w", why, assay.ErrMalformed) }

// Why requirements cannot be used.
const (
	WhyMalformed = "malformed requirement on versions"
	WhyNone      = "no version is affected"
	WhyOrder     = "versions that cannot be compared"
)

// Ranges returns the ranges of the versions that meet any requirement of the
// affected ones and none of the patched or unaffected; the scheme is named as in
// package version. Where there are none, why says so. A range ends in a fix
// where the requirements of the affected or patched ones name the version, or
// where everything from there on is unaffected, and else is fixed in the next
// patched one, if any.
func Ranges(syntax Syntax, name string, affected, patched, unaffected []string) (_ []assay.Range, why string) {
	scheme, ok := version.ByName(name)
	if !ok {
		return nil, WhyOrder
	}
	var sets [3]Set
	for i, texts := range [][]string{affected, patched, unaffected} {
		var err error
		if sets[i], err = Any(syntax, scheme, texts); err != nil {
			return nil, WhyMalformed
		}
	}
	safe := sets[1].Or(sets[2].lastFix())
	set := sets[0].And(safe.Not())
	if set.Empty() {
		return nil, WhyNone
	}
	r, err := set.Ranges()
	if err != nil {
		return nil, WhyOrder
	}
	var fixes []string
	for _, i := range sets[1].in {
		if i.low != nil && i.lowIn && i.low.fix != "" {
			fixes = append(fixes, i.low.fix)
		}
	}
	Patch(scheme, r, fixes)
	return r, ""
}

// Patch sets the fixes of ranges: of one that has an end but no fix the next of the
// patched versions, of one that contradicts them the last that lies in it.
func Patch(scheme version.Scheme, ranges []assay.Range, patched []string) {
	var fixes []fix
	for _, v := range patched {
		if k, err := scheme.Key(v); err == nil {
			fixes = append(fixes, fix{v, k})
		}
	}
	slices.SortStableFunc(fixes, func(a, b fix) int { return scheme.Compare(a.key, b.key) })
	for i := range ranges {
		r := &ranges[i]
		if v := contradicting(scheme, ranges, i, fixes); v != "" {
			r.Fixed, r.LastAffected, r.Before = v, "", ""
			continue
		}
		end, err := scheme.Key(cmp.Or(r.LastAffected, r.Before))
		if r.Fixed != "" || err != nil {
			continue
		}
		at := slices.IndexFunc(fixes, func(f fix) bool {
			c := scheme.Compare(f.key, end)
			return c > 0 || c == 0 && r.LastAffected == ""
		})
		if at >= 0 {
			r.Fixed = fixes[at].v
		}
	}
}

// A fix is a patched version.
type fix struct {
	v   string
	key version.Key
}

// contradicting returns the patched version that range i wrongly contains, "" for none:
// its last affected version, or the last one inside where none is between its end and
// the next range. "<= 1.6.14" with the fix 1.6.14 is fixed in 1.6.14. Patched versions
// inside a range that has a fix of its own are those of other branches.
func contradicting(scheme version.Scheme, ranges []assay.Range, i int, fixes []fix) (inside string) {
	r := &ranges[i]
	low, _ := scheme.Key(r.Introduced) // the lowest key where there is none
	end, err := scheme.Key(cmp.Or(r.LastAffected, r.Before, r.Fixed))
	open := *r == assay.Range{Introduced: r.Introduced}
	if err != nil && !open {
		return ""
	}
	for _, f := range fixes {
		if r.Introduced != "" && scheme.Compare(f.key, low) <= 0 {
			continue
		}
		switch c := 0; {
		case open:
			inside = f.v
		default:
			if c = scheme.Compare(f.key, end); c == 0 && r.LastAffected != "" {
				return f.v
			}
			if c < 0 {
				inside = f.v
			} else if !startsBefore(scheme, ranges, end, f.key) {
				return "" // the range's own fix
			}
		}
	}
	return inside
}

// startsBefore reports whether a range starts above end, and not above v.
func startsBefore(scheme version.Scheme, ranges []assay.Range, end, v version.Key) bool {
	return slices.ContainsFunc(ranges, func(r assay.Range) bool {
		low, err := scheme.Key(r.Introduced)
		return err == nil && scheme.Compare(low, end) > 0 && scheme.Compare(low, v) <= 0
	})
}
