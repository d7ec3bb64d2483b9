package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/assaysec/assay"
)

// allowed are the functions, or families of functions, that a policy may call.
// They return the same result for the same finding every time, and their result
// is in proportion to their input, or is measured (measures). There is no
// network, no environment, no randomness, and no clock but the report's.
// https://www.openpolicyagent.org/docs/policy-reference/builtins
var allowed = []string{"abs", "all", "and", "any", "array.", "assign", "base64.", "base64url.", "cast_", "ceil", "concat", "contains", "count", "div", "endswith", "eq", "equal", "floor",
	"format_int", "gt", "gte", "hex.", "indexof", "indexof_n", "internal.member_2", "internal.member_3", "internal.print", "internal.template_string", "intersection", "is_", "json.is_valid", "json.marshal", "json.unmarshal",
	"json.filter", "json.remove", "lower", "lt", "lte", "max", "min", "minus", "mul", "neq", "numbers.range", "numbers.range_step", "object.", "or", "plus", "print", "product", "re_match", "regex.find_n",
	"regex.is_valid", "regex.match", "regex.replace", "regex.split", "rem", "replace", "round", "semver.", "set_diff", "sort", "split", "sprintf", "startswith", "strings.any_prefix_match",
	"strings.any_suffix_match", "strings.count", "strings.reverse", "strings.split_n", "substring", "sum", "time.", "to_number", "trace", "trim", "trim_", "type_name", "union", "units.", "upper", "uri.", "urlquery.", "walk"}

// capabilities are the library's, limited to the allowed functions.
func capabilities(v ast.RegoVersion) *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(v))
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool {
		return !slices.ContainsFunc(allowed, func(a string) bool {
			return b.Name == a || strings.HasPrefix(b.Name, a) && strings.ContainsAny(a[len(a)-1:], "._")
		})
	})
	c.AllowNet = []string{}
	return c
}

// deep returns the line with brackets nested too deep; 0 if there is none.
// Brackets in strings count too, because no handwritten policy nests so deep.
func deep(text []byte) int {
	depth, line := 0, 1
	for _, c := range text {
		switch c {
		case '\n':
			line++
		case '(', '[', '{':
			if depth++; depth > maxDepth {
				return line
			}
		case ')', ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return 0
}

// A meter counts the steps and memory of an evaluation, and stops it at its
// limits. These depend only on the policy and its input: neither the machine's
// speed nor the load of the process can make a policy fail.
type meter struct {
	steps, bytes int // of the evaluation, which runs in one goroutine
	budget       budget
	ended        atomic.Bool // nobody waits for the result
	over         error       // the exceeded limit; nil if there is none
}

// A budget bounds an evaluation, or all of a report.
type budget struct {
	steps int
	bytes int // that functions create
}

// Cancel implements topdown.Cancel.
func (m *meter) Cancel() { m.ended.Store(true) }

// Cancelled implements topdown.Cancel. It is asked before each step.
func (m *meter) Cancelled() bool {
	if m.steps++; m.steps > m.budget.steps && m.over == nil {
		m.over = fmt.Errorf("not finished after %d steps: %w", m.budget.steps, assay.ErrTooLarge)
	}
	return m.over != nil || m.ended.Load()
}

// makes counts the memory that a function is about to use.
func (m *meter) makes(bytes int) {
	if m.bytes += bytes; m.bytes > m.budget.bytes && m.over == nil {
		m.over = fmt.Errorf("its functions create more than %d MB: %w", m.budget.bytes>>20, assay.ErrTooLarge)
	}
}

// runWithin runs work until it is done, the context ends, or it takes so long
// that it must be stuck in one step. Such work continues in the background.
func runWithin(ctx context.Context, long time.Duration, m *meter, work func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("%v: %w", v, assay.ErrMalformed)
			}
		}()
		err := work()
		if m.over != nil {
			err = m.over
		}
		done <- err
	}()
	late := time.NewTimer(long)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		m.Cancel()
		return context.Cause(ctx)
	case <-late.C:
		m.Cancel()
		return fmt.Errorf("not finished after %v: %w", long, assay.ErrTooLarge)
	}
}
