package db

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// sink receives the records of one feed in one run.
type sink struct {
	feed   string
	wanted []assay.Stream // patterns; other streams are dropped
	temp   string         // directory for spools
	log    *slog.Logger

	spools map[assay.Stream]*spool
	status assay.FeedStatus
	err    error // of the disk; it ends the update, not only the feed
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

// Advisory implements assay.Sink: it stores the record once for each stream and
// name.
func (s *sink) Advisory(a assay.Advisory) error {
	if a.ID == "" || len(a.ID) > maxKey {
		s.Skip(a.ID, "identifier missing or too long")
		return nil
	}
	a.Feed = s.feed
	affected := slices.Clone(a.Affected)
	affected = slices.DeleteFunc(affected, func(f assay.Affected) bool {
		return !s.wants(f.Stream) || f.Name == "" || len(f.Name) > maxKey
	})
	if len(affected) == 0 {
		if !slices.ContainsFunc(a.Affected, func(f assay.Affected) bool { return !s.wants(f.Stream) }) {
			s.Skip(a.ID, "package name missing or too long")
		}
		return nil
	}
	order := func(a, b assay.Affected) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), strings.Compare(a.Name, b.Name))
	}
	slices.SortStableFunc(affected, order)
	for len(affected) > 0 {
		n := 1
		for n < len(affected) && order(affected[0], affected[n]) == 0 {
			n++
		}
		if err := s.store(affected[0].Stream, affected[0].Name, encodeAdvisory(&a, affected[:n])); err != nil {
			return err
		}
		affected = affected[n:]
	}
	s.status.Read++
	s.status.Kept++
	return nil
}

// Artifact implements assay.ArtifactSink.
func (s *sink) Artifact(a assay.Artifact) error {
	if !s.wants(assay.StreamArtifacts) {
		return nil
	}
	if a.Name == "" || len(a.Name)+len(a.Version) > maxKey {
		s.Skip(a.Name, "name missing or too long")
		return nil
	}
	if err := s.store(assay.StreamArtifacts, artifactKey(a.SHA1), encodeArtifact(&a, s.feed)); err != nil {
		return err
	}
	s.status.Read++
	s.status.Kept++
	return nil
}

// Detail implements assay.Sink.
func (s *sink) Detail(d assay.Detail) error {
	if d.ID == "" || len(d.ID) > maxKey {
		s.Skip(d.ID, "identifier missing or too long")
		return nil
	}
	d.Feed = s.feed
	stream := detailStream(&d)
	if !s.wants(stream) {
		return nil
	}
	if err := s.store(stream, detailKey(stream, d.ID), encodeDetail(&d)); err != nil {
		return err
	}
	s.status.Read++
	s.status.Kept++
	return nil
}

func (s *sink) wants(stream assay.Stream) bool {
	return slices.ContainsFunc(s.wanted, func(w assay.Stream) bool { return w.Covers(stream) })
}

func (s *sink) store(stream assay.Stream, key string, record []byte) error {
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
