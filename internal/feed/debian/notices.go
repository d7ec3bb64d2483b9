package debian

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/version"
)

// The lists of notices of the security team (DSA) and of long-term support
// (DLA). https://security-team.debian.org/security_tracker.html#dsa-list
// describes the format.
const (
	DSA = "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DSA/list"
	DLA = "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DLA/list"
)

const (
	maxList = 256 << 20 // the longest has 1 MB (2023)
	maxLine = 1 << 20   // the longest, with the CVEs of a browser, has 8 kB
)

var (
	headLine = regexp.MustCompile(`^\[(\d\d [A-Z][a-z]{2} \d{4})\] (D[SL]A-\d+(?:-\d+)?)\s*(.*?)\s*$`)
	cveLine  = regexp.MustCompile(`^\s+\{(.*)\}\s*$`)
	rowLine  = regexp.MustCompile(`^\s+\[(\w+)\]\s+-\s+(\S+)\s+(\S+)`)
	noteLine = regexp.MustCompile(`^\s+(?:NOTE|TODO):`)
)

// A notice is an entry of a list.
type notice struct {
	id    string
	date  time.Time
	title string // "curl - security update"
	cves  []string
	rows  [][]string // release, package and what is said of it
}

// A claim is what a notice says of a package in a release: a version, or a
// state in angle brackets.
type claim struct {
	notice *notice
	says   string
}

// A place is what claims are about.
type place struct{ name, id, codename string }

// notices is what the lists say, in their order.
type notices struct {
	order  []place
	claims map[place][]claim
	lost   error // why a list cannot be had that there is
}

// whyUnreachable: then there are no identifiers of notices, and older releases keep
// their last words.
const whyUnreachable = "list of notices unavailable"

// readNotices reads both lists. One that the publisher never had counts as
// empty: then there are no identifiers and dates of notices, and nothing about
// releases that the tracker has given up. So does one that cannot be had now,
// but for whoever wants such a release: see errorIfWanted.
func readNotices(ctx context.Context, g assay.Getter, s assay.Sink) (*notices, error) {
	n := &notices{claims: map[place][]claim{}}
	for _, url := range []string{DSA, DLA} {
		had := document.WasFetched(ctx, g, url)
		body, err := g.Get(ctx, url)
		if errors.Is(err, assay.ErrNotFound) {
			if !had {
				continue
			}
			err = fmt.Errorf("%s: no longer published: %w", url, err)
		}
		if err != nil && ctx.Err() == nil { // another host's failure must not hide the tracker
			s.Skip(url, whyUnreachable)
			n.lost = err
			continue
		}
		if err != nil {
			return nil, err
		}
		err = n.read(ctx, body, s)
		body.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", url, err)
		}
	}
	return n, nil
}

// errorIfWanted returns the error of a list that cannot be fetched, if a wanted stream
// is only in the lists: its release is not in the tracker, which has the known
// releases.
func (n *notices) errorIfWanted(known map[string]bool, wanted []assay.Stream) error {
	if n.lost == nil || wanted == nil {
		return n.lost
	}
	tracked := map[string]bool{}
	for codename := range known {
		if number, ok := distro.DebianNumber(codename); ok {
			tracked[number] = true
		}
	}
	for _, w := range wanted {
		if number, ok := strings.CutPrefix(string(w), "debian:"); ok && !tracked[number] {
			return n.lost
		}
	}
	return nil
}

func (n *notices) read(ctx context.Context, r io.Reader, s assay.Sink) error {
	lines := bufio.NewScanner(limit.Reader(r, maxList))
	lines.Buffer(nil, maxLine)
	var cur *notice
	found := false
	for lines.Scan() {
		line := lines.Text()
		if head := headLine.FindStringSubmatch(line); head != nil {
			if err := ctx.Err(); err != nil {
				return err
			}
			n.end(cur, s)
			date, _ := time.Parse("02 Jan 2006", head[1])
			cur, found = &notice{id: head[2], date: date, title: head[3]}, true
			continue
		}
		cves, row := cveLine.FindStringSubmatch(line), rowLine.FindStringSubmatch(line)
		switch {
		case strings.TrimSpace(line) == "", noteLine.MatchString(line):
		case cur != nil && cves != nil:
			cur.cves = append(cur.cves, strings.Fields(cves[1])...)
		case cur != nil && row != nil:
			cur.rows = append(cur.rows, row[1:])
		default:
			if line[0] != ' ' && line[0] != '\t' { // the following lines do not belong to the last notice
				n.end(cur, s)
				cur = nil
			}
			s.Skip(strings.TrimSpace(line), "malformed line in a list of notices")
		}
	}
	n.end(cur, s)
	err := lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("a line over %d bytes: %w", maxLine, assay.ErrMalformed)
	}
	if err == nil && !found {
		err = fmt.Errorf("contains no notices: %w", assay.ErrMalformed)
	}
	return err
}

// end keeps an entry, or counts an entry without a package or a vulnerability as
// skipped.
func (n *notices) end(cur *notice, s assay.Sink) {
	if cur == nil {
		return
	}
	ids := cur.cves
	if len(ids) == 0 && strings.HasSuffix(cur.title, " - security update") { // others fix what earlier ones broke
		ids = []string{cur.id}
	}
	switch {
	case len(ids) == 0:
		s.Skip(cur.id, "notice without CVE")
	case len(cur.rows) == 0:
		s.Skip(cur.id, "notice without package")
	}
	for _, row := range cur.rows {
		for _, id := range ids {
			p := place{row[1], id, row[0]}
			if n.claims[p] == nil {
				n.order = append(n.order, p)
			}
			n.claims[p] = append(n.claims[p], claim{cur, row[2]})
		}
	}
	cur.rows, cur.cves = nil, nil
}

// about returns the notices about a package, sorted, and when the version in one
// of them was published.
func (n *notices) about(p place, fixed string) (ids []string, date time.Time) {
	for _, c := range n.claims[p] {
		if c.notice.id != p.id {
			ids = append(ids, c.notice.id)
		}
		if c.says == fixed && (date.IsZero() || c.notice.date.Before(date)) {
			date = c.notice.date
		}
	}
	return cve.Set(ids), date
}

// emit hands over the claims about releases that are no longer in the tracker,
// which has the known releases.
func (n *notices) emit(known map[string]bool, wanted []assay.Stream, s assay.Sink) error {
	for _, p := range n.order {
		if known[p.codename] {
			continue
		}
		number, ok := distro.DebianNumber(p.codename)
		if !ok {
			s.Skip(p.name+" "+p.id+" "+p.codename, "unknown release name")
			continue
		}
		stream := assay.Stream("debian:" + number)
		if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) }) {
			continue
		}
		row := verdict(n.claims[p])
		row.Stream, row.Name = stream, p.name
		a := assay.Advisory{ID: p.id, Feed: "debian", URL: page + p.id}
		a.VendorIDs, row.FixDate = n.about(p, row.Ranges[0].Fixed)
		a.Affected = []assay.Affected{row}
		if first := n.claims[p][0].notice; first.id == p.id {
			a.Title = first.title
		}
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

// verdict combines the claims about one place. The highest version counts,
// because the lower ones turned out to be incomplete fixes; without a version
// the state of the last notice counts.
func verdict(claims []claim) assay.Affected {
	a := assay.Affected{Ranges: []assay.Range{{}}}
	for _, c := range slices.Backward(claims) { // the lists begin with the newest
		switch c.says {
		case "<not-affected>":
			a.Status, a.Reason = assay.StatusNotAffected, "not-affected"
		case "<end-of-life>":
			a.Status, a.Reason = assay.StatusEndOfLife, "end-of-life"
		case "<unfixed>":
			a.Status, a.Reason = assay.StatusAffected, "unfixed"
		}
	}
	for _, c := range claims {
		if strings.HasPrefix(c.says, "<") {
			continue
		}
		a.Status, a.Reason = assay.StatusAffected, ""
		r := &a.Ranges[0]
		if n, err := version.Compare(version.Deb, c.says, r.Fixed); r.Fixed == "" || err == nil && n > 0 {
			r.Fixed = c.says
		}
	}
	if a.Status == "" { // an unknown state
		a.Status, a.Reason = assay.StatusUnknown, strings.Trim(claims[0].says, "<>")
	}
	return a
}
