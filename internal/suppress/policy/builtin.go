package policy

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/assaysec/assay"
)

const (
	// maxValue bounds the bytes of a function's result: reasons have a hundred,
	// descriptions of vulnerabilities some thousand.
	maxValue = 8 << 20
	// element is the approximate size of a list element that is a number.
	element = 100
	// maxDigits bounds the digits of a number, and its exponent: those of reports
	// have twenty.
	maxDigits = 1000
	// maxPattern bounds the bytes of a regular expression.
	maxPattern = 1000
	// maxSteps bounds the compiled size of an expression: usual ones have a
	// hundred.
	maxSteps = 20_000
)

// A measure is the approximate maximum memory of a function in bytes; above
// maxValue it may be inexact. It is tooLong or tooTangled for such operands.
type measure func(operands []*ast.Term) int

const (
	tooLong    = -1 // a number is too long
	tooTangled = -2 // an expression is too large
)

// measures are those of the functions whose result or work may be out of
// proportion to their operands.
func measures() map[string]measure {
	return map[string]measure{
		"abs": numbers, "ceil": numbers, "floor": numbers, "round": numbers, "plus": numbers, "minus": numbers, "mul": numbers, "div": numbers, "rem": numbers,
		"sum": numbers, "product": product, "format_int": numbers, "numbers.range": measureRange, "numbers.range_step": measureRange,
		"to_number": reading, "units.parse": reading, "units.parse_bytes": reading, "json.unmarshal": reading, "json.is_valid": reading,
		"concat": concat, "replace": replace, "sprintf": sprintf, "internal.template_string": measureAll(6), "json.marshal": measureAll(6),
		"base64.encode": measureAll(2), "base64url.encode": measureAll(2), "base64url.encode_no_pad": measureAll(2), "hex.encode": measureAll(2), "urlquery.encode": measureAll(3),
		"urlquery.encode_object": measureAll(3), "urlquery.decode_object": measureParts, "time.format": measureAll(8),
		"split": measureParts, "strings.split_n": measureParts, "indexof_n": measurePlaces, "regex.find_n": matches, "regex.split": matches, "regex.replace": rewritten,
		"regex.match": asking, "re_match": asking, "regex.is_valid": asking, "array.concat": lists, "array.flatten": lists, "or": lists, "union": lists,
		"object.union": measureAll(1), "object.union_n": measureAll(1), "json.filter": measureAll(1), "json.remove": measureAll(1), "object.filter": measureAll(1), "object.remove": measureAll(1),
	}
}

// tally counts the remaining bytes, for values that may refer to one part often.
type tally int

// addTerm counts a term with everything in it, and reports whether the bytes are
// used up. Strings count several times.
func (n *tally) addTerm(t *ast.Term, times int) bool {
	if *n -= element; *n < 0 {
		return true
	}
	switch v := t.Value.(type) {
	case ast.String:
		*n -= tally(min(len(v), maxValue) * times)
	case ast.Number:
		*n -= tally(len(v))
	case *ast.Array:
		v.Until(func(e *ast.Term) bool { return n.addTerm(e, times) })
	case ast.Set:
		v.Until(func(e *ast.Term) bool { return n.addTerm(e, times) })
	case ast.Object:
		v.Until(func(k, e *ast.Term) bool { return n.addTerm(k, times) || n.addTerm(e, times) })
	}
	return *n < 0
}

// measureAll measures everything in the operands, strings several times.
func measureAll(times int) measure {
	return func(operands []*ast.Term) int {
		left := tally(maxValue)
		for _, o := range operands {
			if left.addTerm(o, times) {
				return maxValue + 1
			}
		}
		return maxValue - int(left)
	}
}

// text is an operand's string; "" for other types, which the function refuses.
func text(operands []*ast.Term, i int) string {
	s, _ := operands[i].Value.(ast.String)
	return string(s)
}

// multiply multiplies without overflow.
func multiply(a, b int) int {
	if a > 0 && b > maxValue/a {
		return maxValue + 1
	}
	return a * b
}

// each visits the elements of a list or a set, or a single value.
func each(t *ast.Term, visit func(*ast.Term)) {
	switch v := t.Value.(type) {
	case *ast.Array:
		v.Foreach(visit)
	case ast.Set:
		v.Foreach(visit)
	default:
		visit(t)
	}
}

// numbers rejects only long numbers.
func numbers(operands []*ast.Term) (n int) {
	for _, o := range operands {
		each(o, func(e *ast.Term) {
			if v, ok := e.Value.(ast.Number); ok && long(string(v)) {
				n = tooLong
			}
		})
	}
	return n
}

// long reports whether a number has more digits than it may when it is written
// out. One in hexadecimal digits, which only to_number makes, may.
func long(number string) bool {
	if len(number) > maxDigits || strings.ContainsAny(number, "xXpP") {
		return true
	}
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return false
	}
	exponent := strings.TrimLeft(number[i+1:], "+-0")
	return len(exponent) > 4 || len(exponent) == 4 && exponent > fmt.Sprint(maxDigits)
}

// product is as long as all its factors.
func product(operands []*ast.Term) int {
	digits := 0
	each(operands[0], func(e *ast.Term) {
		if v, ok := e.Value.(ast.Number); ok {
			digits += len(v)
		}
	})
	if digits > 10*maxDigits {
		return tooLong
	}
	return numbers(operands)
}

// measureRange measures the numbers between two.
func measureRange(operands []*ast.Term) int {
	if n := numbers(operands); n < 0 {
		return n
	}
	var at [3]*big.Float
	for i := range at {
		at[i] = big.NewFloat(1)
		if i < len(operands) {
			v, ok := operands[i].Value.(ast.Number)
			if at[i], _, _ = big.ParseFloat(string(v), 10, 8*maxDigits, big.ToNearestEven); !ok || at[i] == nil {
				return 0
			}
		}
	}
	if at[2].Sign() <= 0 {
		return 0
	}
	d := at[1].Sub(at[1], at[0])
	n, _ := d.Quo(d.Abs(d), at[2]).Float64()
	return multiply(int(math.Min(n, maxValue)), element)
}

// reading measures the values that a text decodes to; a long number in it is
// refused.
func reading(operands []*ast.Term) int {
	s, digits, n := text(operands, 0), 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == ',', c == ':', c == '[', c == '{':
			n, digits = n+element, 0
		case c >= '0' && c <= '9':
			digits++
		case c == 'e', c == 'E':
			if end := strings.IndexFunc(s[i+1:], func(r rune) bool { return (r < '0' || r > '9') && r != '+' && r != '-' }); digits > 0 {
				if end < 0 {
					end = len(s) - i - 1
				}
				if long("1e" + s[i+1:i+1+end]) {
					return tooLong
				}
			}
			digits = 0
		case c != '.':
			digits = 0
		}
		if digits > maxDigits {
			return tooLong
		}
	}
	if deep([]byte(s)) > 0 {
		return maxValue + 1
	}
	return n + len(s)
}

func concat(operands []*ast.Term) (n int) {
	each(operands[1], func(e *ast.Term) {
		s, _ := e.Value.(ast.String)
		n = min(n+len(s)+len(text(operands, 0)), maxValue+1)
	})
	return n
}

func replace(operands []*ast.Term) int {
	s := text(operands, 0)
	return multiply(strings.Count(s, text(operands, 1)), len(text(operands, 2))) + len(s)
}

// sprintf assumes that each verb writes the longest operand, whose bytes may
// become ten each, or its width.
func sprintf(operands []*ast.Term) int {
	format, longest, width := text(operands, 0), 0, 0
	wide := func(number string) {
		n := 0
		for _, c := range number {
			n = min(n*10+int(c-'0'), 1_000_000) // above which the library refuses
		}
		width = max(width, n)
	}
	for number := range strings.FieldsFuncSeq(format, func(r rune) bool { return r < '0' || r > '9' }) {
		wide(number)
	}
	each(operands[1], func(e *ast.Term) {
		switch v := e.Value.(type) {
		case ast.Number:
			if strings.Contains(format, "*") {
				wide(strings.Map(func(r rune) rune {
					if r < '0' || r > '9' {
						return -1
					}
					return r
				}, string(v)))
			}
			if longest = max(longest, 400+len(v)); long(string(v)) {
				longest = maxValue
			}
		default:
			longest = max(longest, measureAll(1)([]*ast.Term{e}))
		}
	})
	rest := measureAll(10)(operands[1:]) // operands without a verb are written at the end
	return len(format) + rest + multiply(strings.Count(format, "%"), multiply(10, longest)+2*width)
}

// measureParts measures the substrings between separators.
func measureParts(operands []*ast.Term) int {
	s, by := text(operands, 0), "&"
	if len(operands) > 1 {
		by = text(operands, 1)
	}
	return multiply(strings.Count(s, by)+1, element) + len(s)
}

// measurePlaces measures the occurrences of a string in another, which may
// overlap.
func measurePlaces(operands []*ast.Term) int {
	of := text(operands, 1)
	return multiply(strings.Count(text(operands, 0), of[:min(1, len(of))]), element)
}

// asking rejects only large expressions.
func asking(operands []*ast.Term) int {
	if tangled(text(operands, 0)) {
		return tooTangled
	}
	return 0
}

// matches measures the matches of an expression.
func matches(operands []*ast.Term) int {
	return cmp.Or(asking(operands), multiply(len(text(operands, 1))+1, element))
}

// rewritten measures the result of replacing an expression.
func rewritten(operands []*ast.Term) int {
	s, by := text(operands, 0), text(operands, 2)
	if tangled(text(operands, 1)) {
		return tooTangled
	}
	return multiply(utf8.RuneCountInString(s)+1, len(by)) + multiply(strings.Count(by, "$")+1, len(s))
}

// tangled reports whether an expression is too large.
func tangled(expression string) bool {
	if len(expression) > maxPattern {
		return true
	}
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return false
	}
	steps, err := syntax.Compile(tree.Simplify())
	return err == nil && len(steps.Inst) > maxSteps
}

// lists measures the elements of lists and sets, and of those in them.
func lists(operands []*ast.Term) (n int) {
	for _, o := range operands {
		each(o, func(e *ast.Term) {
			inner := 1
			switch v := e.Value.(type) {
			case *ast.Array:
				inner += v.Len()
			case ast.Set:
				inner += v.Len()
			}
			n = min(n+multiply(inner, element), maxValue+1)
		})
	}
	return n
}

// bounded are the measured functions, under names that no policy can call,
// because the library does not allow replacing its own.
func bounded() map[string]*topdown.Builtin {
	out := map[string]*topdown.Builtin{}
	for name, m := range measures() {
		decl, f := *ast.BuiltinMap[name], topdown.GetBuiltin(name)
		ref := boundedRef(name)
		decl.Name, decl.CanSkipBctx, decl.Infix = ref.String(), false, ""
		out[decl.Name] = &topdown.Builtin{Decl: &decl, Func: func(c topdown.BuiltinContext, operands []*ast.Term, iter func(*ast.Term) error) error {
			n := m(operands[:min(decl.Decl.Arity(), len(operands))]) // the last operand is for the result
			if err := refuse(name, n); err != nil {
				return topdown.Halt{Err: (&topdown.Error{Code: topdown.BuiltinErr, Message: err.Error(), Location: c.Location}).Wrap(err)}
			}
			if s, ok := c.Cancel.(*meter); ok {
				s.makes(max(n, 0))
			}
			return f(c, operands, iter)
		}}
	}
	return out
}

// refuse returns the error for operands that are too large.
func refuse(name string, n int) error {
	switch {
	case n == tooLong:
		return fmt.Errorf("%s: number of more than %d digits: %w", name, maxDigits, assay.ErrTooLarge)
	case n == tooTangled:
		return fmt.Errorf("%s: expression of more than %d bytes or %d steps: %w", name, maxPattern, maxSteps, assay.ErrTooLarge)
	case n > maxValue:
		return fmt.Errorf("%s creates more than %d MB at once: %w", name, maxValue>>20, assay.ErrTooLarge)
	}
	return nil
}

func boundedRef(name string) ast.Ref {
	return ast.Ref{ast.VarTerm("bounded"), ast.StringTerm(name)}
}

// bind redirects the calls in compiled modules to bounded functions.
func bind(modules map[string]*ast.Module) {
	all := measures()
	swap := func(t *ast.Term) *ast.Term {
		if ref, ok := t.Value.(ast.Ref); ok && all[ref.String()] != nil {
			return &ast.Term{Value: boundedRef(ref.String()), Location: t.Location}
		}
		return t
	}
	for _, m := range modules {
		ast.WalkExprs(m, func(e *ast.Expr) bool {
			if terms, ok := e.Terms.([]*ast.Term); ok {
				terms[0] = swap(terms[0])
			}
			for _, w := range e.With {
				w.Target, w.Value = swap(w.Target), swap(w.Value)
			}
			return false
		})
	}
}
