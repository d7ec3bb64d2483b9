package db

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// sink takes the records of one feed in one run.
type sink struct {
	feed   string
	wanted []assay.Stream // patterns; everything else is dropped
	temp   string         // folder for spools
	log    *slog.Logger

	spools map[assay.Stream]*spool
	status assay.FeedStatus
	err    error // of the disk, which ends the update, not only the feed
}

const maxReasons = 50 // a feed has about five

// Skip implements assay.Sink.
func (s *sink) Skip(id, why string) {
	if s.status.Skipped == nil {
		s.status.Skipped = map[string]int{}
	}
	if _, ok := s.status.Skipped[why]; !ok && len(s.status.Skipped) >= maxReasons {
		why = "other reasons"
	}
	s.status.Skipped[why]++
	s.status.Read++
	if s.log != nil {
		s.log.Debug("record skipped", "feed", s.feed, "id", id, "why", why)
	}
}

// Advisory implements assay.Sink: it keeps the record once for each stream and
// name.
func (s *sink) Advisory(a assay.Advisory) error {
	type target struct {
		stream assay.Stream
		name   string
	}
	if a.ID == "" || len(a.ID) > maxKey {
		s.Skip(a.ID, "no identifier, or one too long")
		return nil
	}
	a.Feed = s.feed
	var targets []target
	unwanted := false
	for _, f := range a.Affected {
		switch {
		case !s.wants(f.Stream):
			unwanted = true
		case f.Name != "" && len(f.Name) <= maxKey:
			targets = append(targets, target{f.Stream, f.Name})
		}
	}
	if len(targets) == 0 {
		if !unwanted {
			s.Skip(a.ID, "no package, or a name too long")
		}
		return nil
	}
	slices.SortFunc(targets, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.stream, b.stream), strings.Compare(a.name, b.name))
	})
	for _, t := range slices.Compact(targets) {
		if err := s.keep(t.stream, t.name, encodeAdvisory(&a, t.stream, t.name)); err != nil {
			return err
		}
	}
	s.status.Read++
	s.status.Kept++
	return nil
}

// Detail implements assay.Sink.
func (s *sink) Detail(d assay.Detail) error {
	if d.ID == "" || len(d.ID) > maxKey {
		s.Skip(d.ID, "no identifier, or one too long")
		return nil
	}
	d.Feed = s.feed
	stream := detailStream(&d)
	if !s.wants(stream) {
		return nil
	}
	if err := s.keep(stream, detailKey(stream, d.ID), encodeDetail(&d)); err != nil {
		return err
	}
	s.status.Read++
	s.status.Kept++
	return nil
}

func (s *sink) wants(stream assay.Stream) bool {
	return slices.ContainsFunc(s.wanted, func(w assay.Stream) bool { return w.Covers(stream) })
}

func (s *sink) keep(stream assay.Stream, key string, record []byte) error {
	if s.err != nil {
		return s.err
	}
	sp := s.spools[stream]
	if sp == nil {
		if sp, s.err = newSpool(s.temp); s.err != nil {
			return s.err
		}
		s.spools[stream] = sp
	}
	s.err = sp.add(key, record)
	return s.err
}

func (s *sink) close() {
	for _, sp := range s.spools {
		sp.close()
	}
}
