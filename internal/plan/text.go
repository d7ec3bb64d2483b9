package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// JSON writes v as indented JSON.
func JSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// maxNames is the maximum number of names in a line; JSON has all.
const maxNames = 6

// Text writes the plan for a person.
func (p *Plan) Text(w io.Writer, width int) error {
	t := printable.NewPage(w, width)
	t.Line("")
	t.Wrapped("", fmt.Sprintf("%s: %s, risk %.1f", p.Image, printable.Count(p.Before.Findings, "finding", "findings"), p.Before.Risk))
	switch {
	case len(p.Upgrades) > 0:
		t.Wrapped("", fmt.Sprintf("After %s: %s, risk %.1f", printable.Count(len(p.Upgrades), "upgrade", "upgrades"), printable.Count(p.After.Findings, "finding", "findings"), p.After.Risk))
	case p.Before.Findings == 0:
		t.Line("There is nothing to fix.")
	default:
		t.Line("No upgrade removes any of them.")
	}
	p.upgrades(t)
	p.how(t)
	p.remains(t)
	for i, a := range p.Advice {
		if i == 0 {
			t.Heading("What else to do")
		}
		t.Wrapped("  - ", a)
	}
	if n := len(p.Gaps); n > 0 {
		t.Line("")
		t.Wrapped("", fmt.Sprintf("%s could not be read or judged, so there may be more to fix: scan the target to see what.", printable.Count(n, "thing", "things")))
	}
	return t.Flush()
}

// upgrades writes one item for each package and its versions, whatever the
// number of its places.
func (p *Plan) upgrades(t *printable.Page) {
	if len(p.Upgrades) == 0 {
		return
	}
	t.Heading("Upgrades, the highest risk first")
	var order []string
	of := map[string][]*Upgrade{}
	for i := range p.Upgrades {
		u := &p.Upgrades[i]
		k := strings.Join([]string{u.Type, u.Name, u.From, u.To}, "\x00")
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], u)
	}
	risk := func(k string) (sum float64) {
		for _, u := range of[k] {
			sum += u.Risk
		}
		return sum
	}
	slices.SortStableFunc(order, func(a, b string) int { return -cmp.Compare(risk(a), risk(b)) })
	for i, k := range order {
		item(t, i+1, of[k])
	}
}

func item(t *printable.Page, n int, all []*Upgrade) {
	u := all[0]
	var ids, places []string
	removes, risk := 0, 0.
	for _, o := range all {
		removes, risk = removes+len(o.Removes), risk+o.Risk
		if o.Where != "" {
			places = append(places, o.Where)
		}
		for _, f := range o.Removes {
			if s := f.ID + " (" + f.Severity.String() + ")"; !slices.Contains(ids, s) {
				ids = append(ids, s)
			}
		}
	}
	t.Wrapped(fmt.Sprintf("%3d. ", n), fmt.Sprintf("%s %s → %s: removes %s, risk %.1f", u.Name, u.From, u.To, printable.Count(removes, "finding", "findings"), risk))
	t.Wrapped("     ", printable.Some(ids, maxNames))
	if len(u.Packages) > 1 || len(u.Packages) == 1 && u.Packages[0] != u.Name {
		t.Wrapped("     ", "packages "+printable.Some(u.Packages, maxNames))
	}
	if len(places) > 0 {
		t.Wrapped("     ", "in "+printable.Some(places, maxNames))
	}
	if u.Major {
		t.Wrapped("     ", "major version: what uses it may need changes")
	}
	if u.Base {
		t.Wrapped("     ", "from the base image")
	}
}

func (p *Plan) how(t *printable.Page) {
	if len(p.Steps) == 0 {
		return
	}
	t.Heading("How")
	printed := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if len(s.Commands) > 0 {
			t.Wrapped("  ", cmp.Or(s.Manager, "by hand")+in(s.Where))
			for _, c := range s.Commands {
				t.Line("    %s", c)
			}
			if s.Note != "" {
				t.Wrapped("    ", s.Note)
			}
			continue
		}
		k := s.key()
		if printed[k] {
			continue
		}
		printed[k] = true
		var places []string
		for _, o := range p.Steps[i:] {
			if o.key() == k && o.Where != "" {
				places = append(places, o.Where)
			}
		}
		t.Wrapped("  ", "By hand"+in(printable.Some(places, maxNames))+": "+printable.Some(s.Upgrades, maxNames))
		t.Wrapped("    ", s.Note)
	}
	if len(p.Dockerfile) > 0 {
		t.Heading("The same in a Dockerfile")
		for _, l := range p.Dockerfile {
			t.Line("%s", l)
		}
	}
}

// key is equal for steps with the same text in several places.
func (s *Step) key() string { return strings.Join(s.Upgrades, "\x00") + "\x00" + s.Note }

func in(where string) string {
	if where == "" {
		return ""
	}
	return " in " + where
}

// remains lists the remaining findings, grouped by reason.
func (p *Plan) remains(t *printable.Page) {
	for _, part := range []struct {
		title string
		all   []Remaining
	}{{"Remaining", p.Remaining}, {"Introduced by the planned versions", p.Introduced}} {
		if len(part.all) == 0 {
			continue
		}
		t.Heading("%s (%d)", part.title, len(part.all))
		var order []string
		of := map[string][]string{}
		for i := range part.all {
			f := &part.all[i]
			if of[f.Why] == nil {
				order = append(order, f.Why)
			}
			if s := fmt.Sprintf("%s in %s (%s)", f.ID, f.Package, f.Severity); !slices.Contains(of[f.Why], s) {
				of[f.Why] = append(of[f.Why], s)
			}
		}
		for _, why := range order {
			t.Wrapped("  - ", fmt.Sprintf("%s: %s", why, printable.Some(of[why], 2*maxNames)))
		}
	}
}

// worst counts findings by severity, the worst first.
func worst(severities map[string]int) string {
	var parts []string
	for s := assay.SeverityCritical; ; s-- {
		if n := severities[s.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", s, n))
		}
		if s == 0 {
			break
		}
	}
	return strings.Join(parts, ", ")
}
