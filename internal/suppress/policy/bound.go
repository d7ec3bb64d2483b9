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

// allowed are the functions that a policy may call, or their families: those
// that tell the same of the same finding every time, and whose result is not
// out of proportion to what they are given, or is measured (measures). There is no network, no environment,
// no chance, and no clock but the report's.
// https://www.openpolicyagent.org/docs/policy-reference/builtins
var allowed = []string{"abs", "all", "and", "any", "array.", "assign", "base64.", "base64url.", "cast_", "ceil", "concat", "contains", "count", "div", "endswith", "eq", "equal", "floor",
	"format_int", "gt", "gte", "hex.", "indexof", "indexof_n", "internal.member_2", "internal.member_3", "internal.print", "internal.template_string", "intersection", "is_", "json.is_valid", "json.marshal", "json.unmarshal",
	"json.filter", "json.remove", "lower", "lt", "lte", "max", "min", "minus", "mul", "neq", "numbers.range", "numbers.range_step", "object.", "or", "plus", "print", "product", "re_match", "regex.find_n",
	"regex.is_valid", "regex.match", "regex.replace", "regex.split", "rem", "replace", "round", "semver.", "set_diff", "sort", "split", "sprintf", "startswith", "strings.any_prefix_match",
	"strings.any_suffix_match", "strings.count", "strings.reverse", "strings.split_n", "substring", "sum", "time.", "to_number", "trace", "trim", "trim_", "type_name", "union", "units.", "upper", "uri.", "urlquery.", "walk"}

// capabilities are those of the library, with the functions that are allowed.
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

// deep returns the line on which brackets nest too deep; 0 where none does.
// Those in texts count, too: none that is written by a person nests so.
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

// A meter counts what an evaluation does, and ends it when that is too much. It
// depends on the policy and on what it is asked about only: neither the machine's
// speed nor what else the process does can make a policy fail.
type meter struct {
	steps, bytes int // of the evaluation, which one goroutine does
	budget       budget
	ended        atomic.Bool // nobody waits for the result
	over         error       // what was too much; nil while nothing is
}

// A budget bounds an evaluation, or all of a report.
type budget struct {
	steps int
	bytes int // that functions make
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

// makes counts what a function is about to make.
func (m *meter) makes(bytes int) {
	if m.bytes += bytes; m.bytes > m.budget.bytes && m.over == nil {
		m.over = fmt.Errorf("its functions create more than %d MB: %w", m.budget.bytes>>20, assay.ErrTooLarge)
	}
}

// runWithin runs work until it is done, the context ends, or it takes so long that
// it must be stuck in one step. Such work is left behind.
func runWithin(ctx context.Context, long time.Duration, m *meter, work func() error) error {
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
