package osv

import (
	"context"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/bundle"
)

// Fetch gets the archive at url, zip or a tar with any compression, and hands
// its advisories to s.
func (p Publisher) Fetch(ctx context.Context, g assay.Getter, url string, s assay.Sink) error {
	return Walk(ctx, g, url, IsRecord, s, func(_ string, r *Record) error { return p.Emit(r, s) })
}

// IsRecord recognises records among the members of an archive by name.
func IsRecord(name string) bool { return path.Ext(name) == ".json" }

// Emit hands over the advisory of a record, or counts it as skipped.
func (p Publisher) Emit(r *Record, s assay.Sink) error {
	a, why := p.Advisory(r)
	switch {
	case why != "":
		s.Skip(r.ID, why)
		return nil
	case len(a.Affected) == 0:
		return nil
	}
	return s.Advisory(a)
}

// Walk gets the archive at url and visits the records in the wanted members.
// Unreadable members are counted as skipped. An archive without a wanted member
// is ErrMalformed.
func Walk(ctx context.Context, g assay.Getter, url string, want func(name string) bool, s assay.Sink, visit func(member string, r *Record) error) error {
	return bundle.Walk(ctx, g, url, want, s, func(name string, b []byte) error {
		r, err := Parse(b)
		if err != nil {
			s.Skip(bundle.Stem(name), "malformed record")
			return nil
		}
		return visit(name, r)
	})
}

// FetchYAML emits the records of a tree of YAML files, vulns/PACKAGE/ID.yaml,
// in a tar.
func (p Publisher) FetchYAML(ctx context.Context, g assay.Getter, url string, s assay.Sink) error {
	isRecord := func(name string) bool { return strings.Contains(name, "/vulns/") && path.Ext(name) == ".yaml" }
	return bundle.Walk(ctx, g, url, isRecord, s, func(name string, b []byte) error {
		r, err := ParseYAML(b)
		if err != nil {
			s.Skip(bundle.Stem(name), "malformed record")
			return nil
		}
		return p.Emit(r, s)
	})
}
