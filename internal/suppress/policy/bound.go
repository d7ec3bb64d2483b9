package policy

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/assaysec/assay"
)

// look is how often the memory that a policy holds is looked at.
const look = 20 * time.Millisecond

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

// A meter measures what the evaluation that asks it whether to go on holds, for
// a clock that looks now and then may be late.
type meter struct {
	limit     uint64 // of bytes that are held
	taken     int    // since the last look, at least
	cancelled atomic.Bool
	over      atomic.Bool
}

const (
	// step is what a step of an evaluation may take, without its functions.
	step = 64 << 10
	// maxTaken is what may be taken before it is looked again.
	maxTaken = 4 << 20
)

// Cancel implements topdown.Cancel.
func (m *meter) Cancel() { m.cancelled.Store(true) }

// Cancelled implements topdown.Cancel. It is asked before each step.
func (m *meter) Cancelled() bool {
	m.takes(step)
	return m.cancelled.Load() || m.over.Load()
}

// takes counts what the evaluation is about to take.
func (m *meter) takes(n int) {
	if m.taken += n; m.taken < maxTaken {
		return
	}
	if m.taken = 0; m.full() {
		m.over.Store(true)
	}
}

// full reports whether more is held than may be, once litter is gone.
func (m *meter) full() bool {
	if held() <= m.limit {
		return false
	}
	runtime.GC()
	return held() > m.limit
}

// within runs work until it is done, takes longer than it may, or holds more
// memory than it may. What does not heed cancel is left behind: the caller gives
// up, and with it the process.
func within(ctx context.Context, long time.Duration, heap uint64, m *meter, work func() error) error {
	done := make(chan error, 1)
	tooMuch := fmt.Errorf("holds more than %d MB of memory: %w", heap>>20, assay.ErrTooLarge)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("%v: %w", v, assay.ErrMalformed)
			}
		}()
		done <- work()
	}()
	late := time.NewTimer(long)
	defer late.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if m.over.Load() {
				return tooMuch
			}
			return err
		case <-ctx.Done():
			m.Cancel()
			return context.Cause(ctx)
		case <-late.C:
			m.Cancel()
			return fmt.Errorf("not done after %v: %w", long, assay.ErrTooLarge)
		case <-tick.C:
			if m.full() {
				m.Cancel()
				return tooMuch
			}
		}
	}
}

// held is the memory that objects take.
func held() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
