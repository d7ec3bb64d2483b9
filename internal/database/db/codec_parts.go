package db

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/assaysec/assay"
)

// affected writes f without its stream and name.
func (w *writer) affected(f *assay.Affected) {
	for _, r := range f.Ranges {
		w.message(1, func(w *writer) {
			w.string(1, r.Introduced)
			w.string(2, r.Fixed)
			w.string(3, r.LastAffected)
			w.string(4, r.Before)
		})
	}
	w.strings(2, f.Versions)
	w.string(3, string(f.Status))
	w.uint(4, uint64(f.Severity))
	w.string(5, f.Reason)
	w.strings(6, f.Qualifiers.Arches)
	w.string(7, f.Qualifiers.Module)
	w.strings(8, f.Qualifiers.CPEs)
	w.strings(9, f.Qualifiers.Repos)
	w.string(10, f.Qualifiers.Flavour)
	w.strings(11, f.Qualifiers.OS)
	for _, i := range f.Qualifiers.Imports {
		w.message(12, func(w *writer) {
			w.string(1, i.Path)
			w.strings(2, i.Symbols)
			w.strings(3, i.OS)
			w.strings(4, i.Arches)
		})
	}
	w.strings(13, f.Qualifiers.RunningOn)
	w.time(14, f.FixDate)
	w.string(15, f.Qualifiers.UUID)
}

func decodeAffected(f *assay.Affected, b message) error {
	q := &f.Qualifiers
	return fields(b, func(n protowire.Number, v uint64, p message) (err error) {
		switch n {
		case 1:
			r, err := decodeRange(p)
			f.Ranges = append(f.Ranges, r)
			return err
		case 2:
			f.Versions = append(f.Versions, p.s)
		case 3:
			f.Status = assay.Status(p.s)
		case 4:
			f.Severity = severity(v)
		case 5:
			f.Reason = p.s
		case 6:
			q.Arches = append(q.Arches, p.s)
		case 7:
			q.Module = p.s
		case 8:
			q.CPEs = append(q.CPEs, p.s)
		case 9:
			q.Repos = append(q.Repos, p.s)
		case 10:
			q.Flavour = p.s
		case 11:
			q.OS = append(q.OS, p.s)
		case 12:
			var i assay.Import
			i, err = decodeImport(p)
			q.Imports = append(q.Imports, i)
		case 13:
			q.RunningOn = append(q.RunningOn, p.s)
		case 14:
			f.FixDate, err = decodeTime(p)
		case 15:
			q.UUID = p.s
		}
		return err
	})
}

func decodeImport(b message) (i assay.Import, err error) {
	err = fields(b, func(n protowire.Number, _ uint64, p message) error {
		switch n {
		case 1:
			i.Path = p.s
		case 2:
			i.Symbols = append(i.Symbols, p.s)
		case 3:
			i.OS = append(i.OS, p.s)
		case 4:
			i.Arches = append(i.Arches, p.s)
		}
		return nil
	})
	return i, err
}

func decodeRange(b message) (r assay.Range, err error) {
	err = fields(b, func(n protowire.Number, _ uint64, p message) error {
		switch n {
		case 1:
			r.Introduced = p.s
		case 2:
			r.Fixed = p.s
		case 3:
			r.LastAffected = p.s
		case 4:
			r.Before = p.s
		}
		return nil
	})
	return r, err
}

func encodeDetail(d *assay.Detail) []byte {
	var w writer
	w.string(1, d.ID)
	w.string(2, d.Feed)
	w.string(3, d.Title)
	w.string(4, d.Text)
	w.cvss(5, d.CVSS)
	w.strings(6, d.CWEs)
	w.strings(7, d.References)
	w.time(8, d.Published)
	w.time(9, d.Modified)
	if d.Rejected {
		w.uint(10, 1)
	}
	if k := d.KEV; k != nil {
		w.message(11, func(w *writer) {
			w.string(1, k.Added)
			w.string(2, k.Due)
			if k.Ransomware {
				w.uint(3, 1)
			}
			w.string(4, k.Action)
		})
	}
	if e := d.EPSS; e != nil {
		w.message(12, func(w *writer) {
			w.float(1, e.Score)
			w.float(2, e.Percentile)
			w.string(3, e.Date)
		})
	}
	for _, r := range d.Ratings {
		w.message(13, func(w *writer) {
			w.string(1, r.Source)
			w.uint(2, uint64(r.Severity))
		})
	}
	return w.b
}

func decodeDetail(b message) (d assay.Detail, err error) {
	err = fields(b, func(n protowire.Number, v uint64, p message) (err error) {
		switch n {
		case 1:
			d.ID = p.s
		case 2:
			d.Feed = p.s
		case 3:
			d.Title = p.s
		case 4:
			d.Text = p.s
		case 5:
			d.CVSS, err = decodeCVSS(d.CVSS, p)
		case 6:
			d.CWEs = append(d.CWEs, p.s)
		case 7:
			d.References = append(d.References, p.s)
		case 8:
			d.Published, err = decodeTime(p)
		case 9:
			d.Modified, err = decodeTime(p)
		case 10:
			d.Rejected = v != 0
		case 11:
			d.KEV, err = decodeKEV(p)
		case 12:
			d.EPSS, err = decodeEPSS(p)
		case 13:
			var r assay.Rating
			r, err = decodeRating(p)
			d.Ratings = append(d.Ratings, r)
		}
		return err
	})
	return d, err
}

func decodeRating(b message) (r assay.Rating, err error) {
	err = fields(b, func(n protowire.Number, v uint64, p message) error {
		switch n {
		case 1:
			r.Source = p.s
		case 2:
			r.Severity = severity(v)
		}
		return nil
	})
	return r, err
}

func decodeKEV(b message) (*assay.KEV, error) {
	var k assay.KEV
	err := fields(b, func(n protowire.Number, v uint64, p message) error {
		switch n {
		case 1:
			k.Added = p.s
		case 2:
			k.Due = p.s
		case 3:
			k.Ransomware = v != 0
		case 4:
			k.Action = p.s
		}
		return nil
	})
	return &k, err
}

func decodeEPSS(b message) (*assay.EPSS, error) {
	var e assay.EPSS
	err := fields(b, func(n protowire.Number, v uint64, p message) error {
		switch n {
		case 1:
			e.Score = math.Float64frombits(v)
		case 2:
			e.Percentile = math.Float64frombits(v)
		case 3:
			e.Date = p.s
		}
		return nil
	})
	return &e, err
}

// first returns field 1 of a record, its ID, and the name of its feed, which is
// in field feed.
func idAndFeed(b message, feed protowire.Number) (id, from string, err error) {
	err = fields(b, func(n protowire.Number, _ uint64, p message) error {
		switch n {
		case 1:
			id = p.s
		case feed:
			from = p.s
		}
		return nil
	})
	return id, from, err
}

func encodeArtifact(a *assay.Artifact, feed string) []byte {
	var w writer
	w.bytes(1, a.SHA1[:])
	w.string(2, feed)
	w.string(3, a.Name)
	w.string(4, a.Version)
	return w.b
}

func decodeArtifact(b message) (a assay.Artifact, err error) {
	err = fields(b, func(n protowire.Number, _ uint64, p message) error {
		switch n {
		case 1:
			if copy(a.SHA1[:], p.b) != len(a.SHA1) || len(p.b) != len(a.SHA1) {
				return fmt.Errorf("invalid digest of %d bytes: %w", len(p.b), assay.ErrMalformed)
			}
		case 3:
			a.Name = p.s
		case 4:
			a.Version = p.s
		}
		return nil
	})
	return a, err
}
