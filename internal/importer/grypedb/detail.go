package grypedb

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/sqlitefile"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// An item belongs to a CVE: the row of a vulnerability, or the negative number
// of a weakness.
type item struct {
	cve uint64 // year and number
	is  int64
}

const numbers = 1_000_000_000_000 // of a year

// key packs an identifier.
func key(id string) (_ uint64, ok bool) {
	if !cve.Valid(id) {
		return 0, false
	}
	year, number, _ := strings.Cut(id[len("CVE-"):], "-")
	y, err1 := strconv.ParseUint(year, 10, 16)
	n, err2 := strconv.ParseUint(number, 10, 64)
	return y*numbers + n, err1 == nil && err2 == nil && n < numbers && identifier(y*numbers+n) == id
}

func identifier(key uint64) string { return fmt.Sprintf("CVE-%04d-%04d", key/numbers, key%numbers) }

// details hands over the details of each CVE from all providers as one detail.
// It collects the providers' rows and the weaknesses by CVE.
func (r *reader) details(string) error {
	if r.wanted != nil && !slices.ContainsFunc(r.wanted, func(s assay.Stream) bool { return s.Family() == assay.StreamDetails }) {
		return nil
	}
	var items []item
	add := func(id string, is int64) error {
		k, ok := key(strings.ToUpper(id))
		if !ok || !r.wants(assay.DetailStream(identifier(k))) {
			return nil
		}
		if len(items) == maxItems {
			return fmt.Errorf("over %d rows: %w", maxItems, assay.ErrTooLarge)
		}
		items = append(items, item{k, is})
		return nil
	}
	if err := r.eachRow(r.handles, func(row *sqlitefile.Row) error { return add(r.handles.text(row, 1), row.ID) }); err != nil {
		return err
	}
	t, err := r.optional("cwe_handles", "cve", "cwe")
	if err != nil {
		return err
	}
	if t != nil {
		err := r.eachRow(t, func(row *sqlitefile.Row) error {
			n, err := strconv.ParseInt(strings.TrimPrefix(cve.Weakness(t.text(row, 1)), "CWE-"), 10, 64)
			if err != nil || n < 1 {
				return nil // "NVD-CWE-Other"
			}
			return add(t.text(row, 0), -n)
		})
		if err != nil {
			return fmt.Errorf("cwe_handles: %w", err)
		}
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Or(cmp.Compare(a.cve, b.cve), cmp.Compare(a.is, b.is)) })
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].cve == items[0].cve {
			n++
		}
		if err := r.detail(items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// detail combines the data of one CVE. NVD's data come first.
func (r *reader) detail(items []item) error {
	d := assay.Detail{ID: identifier(items[0].cve), Feed: "grype-db"}
	found := false
	for _, i := range items {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if i.is < 0 {
			d.CWEs = append(d.CWEs, fmt.Sprint("CWE-", -i.is))
			continue
		}
		v, why, err := r.vulnerability(i.is)
		if err != nil {
			return err
		}
		if why != "" {
			r.sink.Skip(v.name, why)
			continue
		}
		found = true
		v.add(&d)
	}
	if !found {
		return nil // only weaknesses
	}
	d.CWEs, d.References = cve.Set(d.CWEs), cve.Set(d.References)
	return r.sink.Detail(d)
}

// add adds the data of one provider.
func (v *vulnerability) add(d *assay.Detail) {
	word, scores := v.ratings()
	if rating := (assay.Rating{Source: publisher(v.provider), Severity: word}); word != assay.SeverityUnknown && !slices.Contains(d.Ratings, rating) {
		d.Ratings = append(d.Ratings, rating)
	}
	for _, c := range scores {
		if !slices.Contains(d.CVSS, c) {
			d.CVSS = append(d.CVSS, c)
		}
	}
	if nvd := v.provider == "nvd"; nvd || d.Text == "" {
		d.Text = cmp.Or(v.blob.Description, d.Text)
		if nvd || d.Published.IsZero() {
			d.Published = v.published
		}
	}
	if v.modified.After(d.Modified) {
		d.Modified = v.modified
	}
	for _, ref := range v.blob.References {
		if strings.HasPrefix(ref.URL, "http") {
			d.References = append(d.References, ref.URL)
		}
	}
}

// exploited reads the entries of CISA's catalogue.
func (r *reader) exploited(name string) error {
	t, err := r.optional(name, "cve", "blob_id")
	if t == nil || err != nil || !r.wants(assay.StreamKEV) {
		return err
	}
	return r.eachRow(t, func(row *sqlitefile.Row) error {
		id := t.text(row, 0)
		var b struct {
			Added      string   `json:"date_added"`
			Due        string   `json:"due_date"`
			Action     string   `json:"required_action"`
			Ransomware string   `json:"known_ransomware_campaign_use"`
			URLs       []string `json:"urls"`
			CWEs       []string `json:"cwes"`
		}
		why, err := r.blob(t.int(row, 1), &b)
		if err != nil {
			return err
		}
		if why == "" && (!cve.Valid(id) || day(b.Added) == "") {
			why = whyMalformed
		}
		if why != "" {
			r.sink.Skip(id, why)
			return nil
		}
		d := assay.Detail{ID: id, Feed: "grype-db", References: cve.Set(b.URLs), KEV: &assay.KEV{
			Added: day(b.Added), Due: day(b.Due), Action: b.Action, Ransomware: strings.EqualFold(b.Ransomware, "known"),
		}}
		for _, w := range b.CWEs {
			d.CWEs = append(d.CWEs, cve.Weakness(w))
		}
		d.CWEs = cve.Set(d.CWEs)
		return r.sink.Detail(d)
	})
}

// day is the date of a time; "" for the zero time.
func day(s string) string {
	t := cve.Time(strings.Replace(s, " ", "T", 1))
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02")
}

// predicted reads the EPSS scores.
func (r *reader) predicted(name string) error {
	t, err := r.optional(name, "cve", "epss", "percentile")
	if t == nil || err != nil || !r.wants(assay.StreamEPSS) {
		return err
	}
	date := ""
	meta, err := r.optional("epss_metadata", "date")
	if err != nil {
		return err
	}
	if meta != nil {
		if err := r.eachRow(meta, func(row *sqlitefile.Row) error { date = day(meta.text(row, 0)); return nil }); err != nil {
			return err
		}
	}
	return r.eachRow(t, func(row *sqlitefile.Row) error {
		id := t.text(row, 0)
		score, ok := row.Float(t.columns[1])
		percentile, _ := row.Float(t.columns[2])
		if !ok || !cve.Valid(id) || !(score >= 0 && score <= 1) || !(percentile >= 0 && percentile <= 1) {
			r.sink.Skip(id, whyMalformed)
			return nil
		}
		return r.sink.Detail(assay.Detail{ID: id, Feed: "grype-db", EPSS: &assay.EPSS{Score: score, Percentile: percentile, Date: date}})
	})
}
