package ignore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// Special values of criteria.
var (
	statuses = []assay.Status{assay.StatusUnknown, assay.StatusAffected, assay.StatusFixed, assay.StatusNotAffected, assay.StatusWillNotFix,
		assay.StatusFixDeferred, assay.StatusUnderInvestigation, assay.StatusEndOfLife}
	fixStates = []string{"fixed", "not-fixed", "wont-fix", "unknown"}
	// ofPackages are the keys for properties of the package alone, besides those
	// that begin with "package".
	ofPackages = []string{"version", "type", "purl", "path", "layer", "image"}
	// criteria are the keys of a rule in assay's own format.
	criteria = []string{"id", "ids", "package", "version", "type", "purl", "path", "layer", "stream", "feed", "severity-below", "status", "epss-below",
		"fix-state", "expires", "statement", "reason"}
)

// fewest is the minimum number of hexadecimal digits that identify a layer.
const fewest = 12

// set adds the criterion of a key: any of the values must match.
func (r *Rule) set(key string, values []string) error {
	switch key {
	case "id", "ids":
		r.IDs = append(r.IDs, values...)
		return nil
	case "expires", "statement", "reason", "severity-below", "epss-below":
		if len(values) != 1 {
			return fmt.Errorf("%s takes one value", key)
		}
	}
	switch key {
	case "expires":
		return r.until(values[0])
	case "statement", "reason":
		r.Reason = values[0]
		return nil
	case "severity-below":
		v, ok := assay.ParseSeverity(values[0])
		if !ok || v == assay.SeverityUnknown {
			return fmt.Errorf("severity-below %q is not one of NEGLIGIBLE, LOW, MEDIUM, HIGH, CRITICAL", values[0])
		}
		r.add(key, values, func(s *subject) bool { return s.f.Severity != assay.SeverityUnknown && s.f.Severity < v })
		return nil
	case "epss-below":
		v, err := strconv.ParseFloat(values[0], 64)
		if err != nil || !(v > 0 && v <= 1) {
			return fmt.Errorf("epss-below %q is not a number above 0 and up to 1", values[0])
		}
		r.add(key, values, func(s *subject) bool { return s.f.Detail.EPSS != nil && s.f.Detail.EPSS.Score < v })
		return nil
	}
	if key == "package" && !slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, special) || v[0] == '/' }) {
		r.packages = values
	}
	var any []func(*subject) bool
	for _, v := range values {
		holds, err := r.criterion(key, v)
		if err != nil {
			return err
		}
		any = append(any, holds)
	}
	r.add(key, values, anyOf(any))
	return nil
}

func anyOf(all []func(*subject) bool) func(*subject) bool {
	if len(all) == 1 {
		return all[0]
	}
	return func(s *subject) bool {
		return slices.ContainsFunc(all, func(holds func(*subject) bool) bool { return holds(s) })
	}
}

func (r *Rule) add(key string, values []string, holds func(*subject) bool) {
	text := key + " " + strings.Join(slices.Sorted(slices.Values(values)), "\x01")
	r.where = append(r.where, condition{text, holds, strings.HasPrefix(key, "package") || slices.Contains(ofPackages, key)})
}

// criterion is the condition for one value of a key.
func (r *Rule) criterion(key, v string) (func(*subject) bool, error) {
	switch key {
	case "package":
		p, err := r.globOrExpression(v)
		return func(s *subject) bool { return p(s.p.Name) || s.p.Source != "" && p(s.p.Source) }, err
	case "version":
		p, err := r.globOrExpression(v)
		return func(s *subject) bool { return p(s.p.Version) }, err
	case "type":
		return func(s *subject) bool { return strings.EqualFold(s.p.Type, v) }, nil
	case "purl":
		return ofPURL(v)
	case "path":
		return ofPath(v)
	case "layer":
		return ofLayer(v)
	case "stream":
		return func(s *subject) bool { return assay.Stream(v).Covers(s.f.Stream) }, nil
	case "feed":
		return func(s *subject) bool { return s.f.Feed == v || s.f.Publisher == v }, nil
	case "status":
		if !slices.Contains(statuses, assay.Status(v)) {
			return nil, fmt.Errorf("status %q is not one of %s", v, join(statuses))
		}
		return func(s *subject) bool { return s.f.Status == assay.Status(v) }, nil
	case "fix-state":
		if !slices.Contains(fixStates, v) {
			return nil, fmt.Errorf("fix-state %q is not one of %s", v, join(fixStates))
		}
		return func(s *subject) bool { return fixState(s.f) == v }, nil
	}
	return nil, fmt.Errorf("unknown key %q; known: %s", key, join(criteria))
}

func join[S ~string](all []S) string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// ofPURL matches a package by its package URL, with or without version.
func ofPURL(v string) (func(*subject) bool, error) {
	p, err := vex.ParsePURL(v)
	return func(s *subject) bool {
		of := s.s.purl(s.p.PURL)
		return of != nil && p.Matches(*of)
	}, err
}

// ofPath matches the file that lists a package as installed.
func ofPath(v string) (func(*subject) bool, error) {
	p, err := glob(strings.TrimPrefix(strings.TrimPrefix(v, "./"), "/"))
	return func(s *subject) bool { return slices.ContainsFunc(pathSpellings(s.p.Path), p) }, err
}

// ofLayer matches a layer by number, diff ID or digest, or the layers of the
// base image.
func ofLayer(v string) (func(*subject) bool, error) {
	if v == "base" {
		return func(s *subject) bool { return s.r.FromBase(s.p) }, nil
	}
	if n, err := strconv.Atoi(v); err == nil && len(v) < fewest {
		return func(s *subject) bool { return s.p.Layer.Index == n && len(s.r.Image.Layers) > 0 }, nil
	}
	digits := strings.TrimPrefix(v, "sha256:")
	if len(digits) < fewest || strings.Trim(digits, "0123456789abcdef") != "" {
		return nil, fmt.Errorf("layer %q is neither base, nor a number, nor %d digits or more of a diff ID or digest", v, fewest)
	}
	digits = "sha256:" + digits
	return func(s *subject) bool {
		return strings.HasPrefix(s.p.Layer.DiffID, digits) || strings.HasPrefix(s.p.Layer.Digest, digits)
	}, nil
}

// fixState is the state of a fix in Grype's terms.
func fixState(f *assay.Finding) string {
	switch {
	case f.FixedIn != "" || f.Status == assay.StatusFixed:
		return "fixed"
	case f.Status == assay.StatusWillNotFix, f.Status == assay.StatusEndOfLife:
		return "wont-fix"
	case f.Status == assay.StatusUnknown, f.Status == "":
		return "unknown"
	}
	return "not-fixed"
}

// until sets the expiry of a rule: a date, whose whole day in UTC is included,
// or a time.
func (r *Rule) until(v string) error {
	r.Until = v
	if day, err := time.Parse(time.DateOnly, v); err == nil {
		r.End = day.AddDate(0, 0, 1)
		return nil
	}
	at, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return fmt.Errorf("%q is not a date, YYYY-MM-DD", v)
	}
	r.End = at.UTC()
	return nil
}
