package scan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/ecosystem"
)

// This file decides what a scan does without some of its advisories: it reports them as
// gaps and judges the rest.

// ensure makes sure that the streams can be asked. It returns those that can; each of
// the others is a gap. It is an error if none can and one of them should.
func (s *scanner) ensure(ctx context.Context, streams []assay.Stream, r *assay.Report) (assay.Advisories, error) {
	needed := slices.DeleteFunc(slices.Clone(streams), func(s assay.Stream) bool { return s == assay.StreamRHELCPE })
	if len(needed) < len(streams) { // without this stream the default repositories are assumed
		gaps, err := s.session.Ensure(ctx, []assay.Stream{assay.StreamRHELCPE})
		r.Gaps = append(r.Gaps, gaps...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			r.Gaps = append(r.Gaps, assay.Gap{Where: "repositories", What: fmt.Sprintf("their contents are unknown: %v", err)})
		}
	}
	gaps, err := s.session.Ensure(ctx, needed)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.Gaps = append(r.Gaps, gaps...)
	none := excluding{Advisories: s.session, streams: map[assay.Stream]bool{}}
	expected := false // a stream that feeds have cannot be asked
	for _, e := range splitErrors(err) {
		isUnsupported := errors.Is(e, assay.ErrUnsupported)
		missing := needed // a database that does not report which
		var one *StreamError
		var invalid *OptionError
		switch {
		case errors.As(e, &invalid):
			return nil, joinByReason(err)
		case errors.As(e, &one):
			missing = []assay.Stream{one.Stream}
		case !isUnsupported: // about the whole database, or demanded by the user
			return nil, joinByReason(err)
		}
		expected = expected || !isUnsupported
		for _, m := range missing {
			none.streams[m] = true
		}
		r.Gaps = append(r.Gaps, missingStream(missing[0], e, r.Release))
	}
	if expected && len(none.streams) == len(needed) {
		return nil, joinByReason(err)
	}
	return none, nil
}

// missingStream reports a stream that cannot be asked.
func missingStream(stream assay.Stream, err error, of assay.Release) assay.Gap {
	where, then := "distribution "+string(stream), "its packages are listed, not matched"
	if family, ok := distro.Of(of); ok && family.Stream(of) == stream {
		where = strings.TrimSpace("distribution " + of.ID + " " + of.Version)
	}
	if eco, ok := ecosystem.Of(stream); ok {
		where = "packages of " + eco.Title
	} else if stream == assay.StreamCPE {
		where, then = "software outside of packages", "it is listed, not matched"
	} else if by, ok := distro.RebuilderOf(stream); ok {
		where = "packages that " + by.Title + " rebuilt"
		if !by.Exclusive {
			then = "only the distribution's are matched with them"
		}
	}
	why, _, _ := strings.Cut(strings.TrimSuffix(err.Error(), ": "+assay.ErrUnsupported.Error()), "\n")
	return assay.Gap{Where: where, What: fmt.Sprintf("no advisories (%s); %s", why, then)}
}

// joinByReason joins the errors of streams with the same reason.
func joinByReason(err error) error {
	var whys []string
	streams := map[string][]string{}
	for _, e := range splitErrors(err) {
		var one *StreamError
		if !errors.As(e, &one) {
			return fmt.Errorf("advisories for %w", err)
		}
		why := one.Err.Error()
		if streams[why] == nil {
			whys = append(whys, why)
		}
		streams[why] = append(streams[why], string(one.Stream))
	}
	var lines []string
	for _, why := range whys {
		lines = append(lines, strings.Join(streams[why], ", ")+": "+why)
	}
	return &unready{fmt.Sprintf("advisories for %s", strings.Join(lines, "\n")), err}
}

// unready reports why advisories cannot be asked, with a message of its own.
type unready struct {
	text string
	err  error
}

func (e *unready) Error() string { return e.text }
func (e *unready) Unwrap() error { return e.err }

// splitErrors splits joined errors.
func splitErrors(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, splitErrors(e)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// excluding answers nothing for some streams.
type excluding struct {
	assay.Advisories
	streams map[assay.Stream]bool
}

func (w excluding) Lookup(ctx context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	if w.streams[s] {
		return func(func(assay.Advisory, error) bool) {}
	}
	return w.Advisories.Lookup(ctx, s, name)
}

// Names lists the names of packages in a stream; none of streams that are excluded.
func (w excluding) Names(ctx context.Context, s assay.Stream) iter.Seq2[string, error] {
	if w.streams[s] {
		return func(func(string, error) bool) {}
	}
	return namesIn(ctx, w.Advisories, s)
}

// namesIn lists the names of packages in a stream; ErrUnsupported if the database cannot.
func namesIn(ctx context.Context, a assay.Advisories, s assay.Stream) iter.Seq2[string, error] {
	if l, ok := a.(interface {
		Names(context.Context, assay.Stream) iter.Seq2[string, error]
	}); ok {
		return l.Names(ctx, s)
	}
	return func(yield func(string, error) bool) { yield("", assay.ErrUnsupported) }
}
