// Package policy suppresses findings by a user's policy, written in Rego.
//
// A policy is one module of the package "trivy" or "assay" with the rule
// "ignore". The input of the first is a finding in the format of Trivy's
// reports, so that policies for Trivy work here; the input of the second is a
// finding in assay's own format. docs/ignoring.md lists the allowed functions
// and the limits.
//
// Language: https://www.openpolicyagent.org/docs/policy-language
package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/assaysec/assay"
)

const (
	// MaxPolicy bounds a policy in bytes: people write some kilobytes.
	MaxPolicy = 256 << 10
	// maxDepth bounds the nesting of brackets, because the library is recursive.
	maxDepth = 200
	// maxCompile is the maximum time to compile a policy: usual ones take some
	// milliseconds.
	maxCompile = 5 * time.Second
	// maxEach bounds the evaluation for one finding. Usual policies take a
	// hundred steps; this many take about a second.
	maxEachSteps = 1_000_000
	maxEachBytes = 256 << 20
	// maxAll bounds the evaluation for a report, to about a minute.
	maxAllSteps = 60_000_000
	// maxStuck is the maximum time for one finding. It stops an evaluation that
	// is stuck in one step, and is long, because the machine may be busy.
	maxStuck = 30 * time.Second
	// maxReason bounds a reason in bytes, because each is kept: people write a
	// line.
	maxReason = 4 << 10
)

// Form is a finding in the format of Trivy's reports.
type Form func(*assay.Report, *assay.Finding) any

// A Policy is a compiled policy: an assay.Suppressor.
type Policy struct {
	file     string
	form     Form
	own      bool // of package assay
	compiler *ast.Compiler
	ignore   ast.Body
	reason   ast.Body // nil if the policy has no reasons
	builtins map[string]*topdown.Builtin
	bounds   bounds
}

// bounds are the constants above, or lower ones in tests.
type bounds struct {
	compile, stuck time.Duration
	each           budget
	steps          int // over a report
}

// The allowed packages of a policy.
const (
	trivyPackage = "data.trivy"
	ownPackage   = "data.assay"
)

// Compile compiles a policy in version 1 of the language or, if that fails, in
// version 0. Errors name file and line.
func Compile(ctx context.Context, file string, text []byte, form Form) (*Policy, error) {
	return compile(ctx, file, text, form, bounds{maxCompile, maxStuck, budget{maxEachSteps, maxEachBytes}, maxAllSteps})
}

func compile(ctx context.Context, file string, text []byte, form Form, b bounds) (*Policy, error) {
	p := &Policy{file: file, form: form, builtins: bounded(), bounds: b}
	if len(text) > MaxPolicy {
		return nil, fmt.Errorf("%s: over %d bytes: %w", file, MaxPolicy, assay.ErrTooLarge)
	}
	if line := deep(text); line > 0 {
		return nil, fmt.Errorf("%s:%d: brackets nested more than %d levels deep: %w", file, line, maxDepth, assay.ErrTooLarge)
	}
	err := runWithin(ctx, b.compile, &meter{budget: b.each}, func() error { return p.compile(string(text)) })
	if err != nil {
		return nil, p.placeError(err)
	}
	return p, nil
}

// placeError says which file an error is of, once.
func (p *Policy) placeError(err error) error {
	if strings.HasPrefix(err.Error(), p.file+":") {
		return err
	}
	return fmt.Errorf("%s: %w", p.file, err)
}

func (p *Policy) compile(text string) error {
	module, err := p.parse(text)
	if err != nil {
		return err
	}
	root := module.Package.Path.String()
	switch root {
	case ownPackage:
		p.own = true
	case trivyPackage:
	default:
		return fmt.Errorf("%s:%d: package is %s, want trivy or assay: %w", p.file, module.Package.Location.Row, strings.TrimPrefix(root, "data."), assay.ErrUnsupported)
	}
	if !defines(module, "ignore") {
		return fmt.Errorf("%s: has no rule %s.ignore: %w", p.file, strings.TrimPrefix(root, "data."), assay.ErrMalformed)
	}
	if line := longNumber(module); line > 0 {
		return fmt.Errorf("%s:%d: a number of more than %d digits: %w", p.file, line, maxDigits, assay.ErrTooLarge)
	}
	helper, err := ast.ParseModuleWithOpts("lib/trivy", library, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return err
	}
	p.compiler = ast.NewCompiler().WithCapabilities(capabilities(ast.RegoV1))
	if p.compiler.Compile(map[string]*ast.Module{p.file: module, "lib/trivy": helper}); p.compiler.Failed() {
		return p.malformed(p.compiler.Errors)
	}
	bind(p.compiler.Modules)
	if p.ignore, err = p.compiler.QueryCompiler().Compile(ast.MustParseBody("result = " + root + ".ignore")); err != nil {
		return err
	}
	if defines(module, "reason") {
		p.reason, err = p.compiler.QueryCompiler().Compile(ast.MustParseBody("result = " + root + ".reason"))
	}
	return err
}

// parse parses the module in its version of the language; of two errors it
// returns that of the version that the module seems to use.
func (p *Policy) parse(text string) (*ast.Module, error) {
	options := func(v ast.RegoVersion) ast.ParserOptions {
		return ast.ParserOptions{RegoVersion: v, Capabilities: capabilities(v)}
	}
	if blank(text) {
		return nil, fmt.Errorf("%s: empty: %w", p.file, assay.ErrMalformed)
	}
	module, err := ast.ParseModuleWithOpts(p.file, text, options(ast.RegoV1))
	if err == nil && module != nil {
		return module, nil
	}
	old, olderr := ast.ParseModuleWithOpts(p.file, text, options(ast.RegoV0))
	if olderr == nil && old != nil {
		return old, nil
	}
	if !strings.Contains(text, "rego.v1") && !strings.Contains(text, " if ") {
		err = olderr
	}
	return nil, p.malformed(err)
}

// blank reports whether a text has only comments.
func blank(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// malformed returns the first of the library's errors, with its place.
func (p *Policy) malformed(err error) error {
	var all ast.Errors
	if !errors.As(err, &all) || len(all) == 0 {
		return fmt.Errorf("%s: %w: %w", p.file, err, assay.ErrMalformed)
	}
	first, more := all[0], ""
	for _, e := range all {
		if e.Location != nil && first.Location != nil && e.Location.Row < first.Location.Row {
			first = e
		}
	}
	if len(all) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(all)-1)
	}
	place := p.file
	if first.Location != nil {
		place = fmt.Sprintf("%s:%d", p.file, first.Location.Row)
	}
	return fmt.Errorf("%s: %s%s: %w", place, oneLine(first.Message), more, assay.ErrMalformed)
}

// longNumber returns the line of a number that is too long; 0 if there is none.
func longNumber(m *ast.Module) (line int) {
	ast.WalkTerms(m, func(t *ast.Term) bool {
		if n, ok := t.Value.(ast.Number); ok && line == 0 && long(string(n)) {
			line = m.Package.Location.Row
			if t.Location != nil {
				line = t.Location.Row
			}
		}
		return false
	})
	return line
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func defines(m *ast.Module, rule string) bool {
	for _, r := range m.Rules {
		if r.Head.Ref().String() == rule {
			return true
		}
	}
	return false
}

// ForReport implements assay.Suppressor.
func (p *Policy) ForReport(_ context.Context, r *assay.Report) (assay.ReportSuppressor, error) {
	return &judge{policy: p, r: r, store: inmem.New()}, nil
}

// A judge evaluates a policy for the findings of one report.
type judge struct {
	policy *Policy
	r      *assay.Report
	store  storage.Store
	steps  int // so far
}

// Suppress suppresses a finding if the policy's ignore is true. Other values
// than true and false, and exceeded limits, are errors.
func (j *judge) Suppress(ctx context.Context, f *assay.Finding) (assay.Suppression, bool, error) {
	p := j.policy
	if j.steps > p.bounds.steps {
		return assay.Suppression{}, false, fmt.Errorf("%s: took more than %d steps over the findings so far: %w", p.file, p.bounds.steps, assay.ErrTooLarge)
	}
	var suppression assay.Suppression
	suppressed := false
	m := &meter{budget: p.bounds.each}
	err := runWithin(ctx, p.bounds.stuck, m, func() (err error) {
		suppression, suppressed, err = j.judge(ctx, m, f)
		return err
	})
	if err != nil {
		return assay.Suppression{}, false, p.placeError(err)
	}
	j.steps += m.steps
	return suppression, suppressed, nil
}

// Gaps implements assay.ReportSuppressor: a policy looks up nothing.
func (j *judge) Gaps() []assay.Gap { return nil }

// Warnings implements assay.ReportSuppressor: a policy has none.
func (j *judge) Warnings(context.Context) ([]string, error) { return nil, nil }

func (j *judge) judge(ctx context.Context, m *meter, f *assay.Finding) (assay.Suppression, bool, error) {
	p := j.policy
	input, err := p.input(j.r, f)
	if err != nil {
		return assay.Suppression{}, false, err
	}
	v, err := j.eval(ctx, m, p.ignore, input)
	if err != nil || v == nil {
		return assay.Suppression{}, false, err
	}
	ignore, ok := v.(ast.Boolean)
	if !ok {
		return assay.Suppression{}, false, fmt.Errorf("ignore is %.100s, neither true nor false: %w", shortValue(v), assay.ErrMalformed)
	}
	if !ignore {
		return assay.Suppression{}, false, nil
	}
	suppression := assay.Suppression{As: assay.StatusIgnored, By: p.file}
	if p.reason == nil {
		return suppression, true, nil
	}
	if v, err = j.eval(ctx, m, p.reason, input); err != nil || v == nil {
		return suppression, true, err
	}
	text, ok := v.(ast.String)
	if !ok {
		return assay.Suppression{}, false, fmt.Errorf("reason is %.100s, want text: %w", shortValue(v), assay.ErrMalformed)
	}
	if suppression.Reason = string(text); len(text) > maxReason {
		return assay.Suppression{}, false, fmt.Errorf("reason of more than %d bytes: %w", maxReason, assay.ErrTooLarge)
	}
	return suppression, true, nil
}

// shortValue writes a value, if it is short.
func shortValue(v ast.Value) string {
	if measureAll(1)([]*ast.Term{ast.NewTerm(v)}) > maxReason {
		return "a large " + ast.ValueName(v)
	}
	return v.String()
}

// input is the input of a policy.
func (p *Policy) input(r *assay.Report, f *assay.Finding) (*ast.Term, error) {
	var in any
	if p.own {
		in = map[string]any{"finding": f, "package": &r.Packages[f.Package], "image": r.Image.Name, "release": r.Release}
	} else {
		in = p.form(r, f)
	}
	b, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	v, err := ast.ValueFromReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return ast.NewTerm(v), nil
}

// endOfTime is the last time that a policy can see, in nanoseconds. A report
// without a date has it, so that every rule with an expiry date has expired.
var endOfTime = time.Unix(0, math.MaxInt64)

// eval evaluates a query; nil if the result is undefined. The policy sees the
// time of the report.
func (j *judge) eval(ctx context.Context, m *meter, query ast.Body, input *ast.Term) (ast.Value, error) {
	p, at := j.policy, j.r.At()
	if at.IsZero() {
		at = endOfTime
	}
	txn, err := j.store.NewTransaction(ctx)
	if err != nil {
		return nil, err
	}
	defer j.store.Abort(ctx, txn)
	results, err := topdown.NewQuery(query).WithCompiler(p.compiler).WithStore(j.store).WithTransaction(txn).WithCancel(m).WithBuiltins(p.builtins).
		WithInput(input).WithTime(at).Run(ctx)
	if err != nil {
		var e *topdown.Error
		if errors.As(err, &e) && e.Location != nil && e.Location.File == p.file {
			if errors.Is(err, assay.ErrTooLarge) {
				return nil, fmt.Errorf("%s:%d: %w", p.file, e.Location.Row, errors.Unwrap(e))
			}
			return nil, fmt.Errorf("%s:%d: %s: %w", p.file, e.Location.Row, oneLine(e.Message), assay.ErrMalformed)
		}
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	if len(results) == 0 {
		return nil, nil
	}
	for _, t := range results[0] {
		return t.Value, nil
	}
	return nil, nil
}
