package ubuntu

import (
	"cmp"
	"slices"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/version"
)

// claims are the fixes in notices. There are some million (2026), so each string
// is stored once.
type claims struct {
	index   map[string]uint32
	words   []string
	notices []notice
	all     []claim
	sorted  bool
}

// A notice is a USN.
type notice struct {
	id, title string
	date      time.Time
}

// A claim is a notice's statement about one vulnerability, one package and one
// pocket. The numbers are indexes of strings.
type claim struct {
	id, name, release, flavour uint32
	fixed, vector              uint32
	notice                     uint32
	severity                   assay.Severity
	esm, used                  bool
}

func newClaims() *claims { return &claims{index: map[string]uint32{}} }

func (c *claims) number(w string) uint32 {
	n, ok := c.index[w]
	if !ok {
		n = uint32(len(c.words))
		c.index[w] = n
		c.words = append(c.words, w)
	}
	return n
}

func (c *claims) text(n uint32) string { return c.words[n] }

// beginNotice begins a notice; claims added later belong to it.
func (c *claims) beginNotice(id, title string, date time.Time) {
	c.notices = append(c.notices, notice{id, title, date})
}

func (c *claims) add(id, name string, p pocket, fixed string, severity assay.Severity, vector string) {
	c.all = append(c.all, claim{
		id: c.number(id), name: c.number(name), release: c.number(p.release), flavour: c.number(p.flavour), esm: p.esm,
		fixed: c.number(fixed), vector: c.number(vector), severity: severity, notice: uint32(len(c.notices) - 1),
	})
	c.sorted = false
}

// compare orders by place.
func (c *claims) compare(a, b claim) int {
	for _, n := range [][2]uint32{{a.id, b.id}, {a.name, b.name}, {a.release, b.release}} {
		if n[0] != n[1] {
			return cmp.Compare(c.words[n[0]], c.words[n[1]])
		}
	}
	return 0
}

func (c *claims) sort() {
	if !c.sorted {
		slices.SortStableFunc(c.all, c.compare)
		c.sorted = true
	}
}

// about returns the claims of a place; the caller may mark them as used.
func (c *claims) about(id, name, release string) []claim {
	i, ok1 := c.index[id]
	n, ok2 := c.index[name]
	r, ok3 := c.index[release]
	if !ok1 || !ok2 || !ok3 {
		return nil
	}
	c.sort()
	want := claim{id: i, name: n, release: r}
	from, _ := slices.BinarySearchFunc(c.all, want, c.compare)
	to := from
	for to < len(c.all) && c.compare(c.all[to], want) == 0 {
		to++
	}
	return c.all[from:to:to]
}

// fix is the highest version in the claims of a pocket, because the lower ones
// turned out to be incomplete fixes.
func (c *claims) fix(known []claim, flavour string, esm bool) (best string) {
	for _, k := range known {
		if k.esm != esm || c.text(k.flavour) != flavour {
			continue
		}
		v := c.text(k.fixed)
		if n, err := version.Compare(version.Deb, v, best); best == "" || err == nil && n > 0 {
			best = v
		}
	}
	return best
}

// date is when the first notice with a version was published.
func (c *claims) date(known []claim, fixed string) (first time.Time) {
	for _, k := range known {
		if d := c.notices[k.notice].date; c.text(k.fixed) == fixed && (first.IsZero() || d.Before(first)) {
			first = d
		}
	}
	return first
}

// unused calls visit for each place with unused claims.
func (c *claims) unused(visit func(v *vulnerability, name, release string, known []claim) error) error {
	c.sort()
	for i := 0; i < len(c.all); {
		first := c.all[i]
		n := i + 1
		for n < len(c.all) && c.compare(c.all[n], first) == 0 {
			n++
		}
		known := c.all[i:n:n]
		i = n
		if first.used {
			continue
		}
		v := &vulnerability{id: c.text(first.id)}
		for _, k := range known {
			v.severity = max(v.severity, k.severity)
			score, err := cvss.Parse("ubuntu", c.text(k.vector))
			if err == nil && !slices.Contains(v.cvss, score) {
				v.cvss = append(v.cvss, score)
			}
			if c.notices[k.notice].id == v.id {
				v.title, v.published = c.notices[k.notice].title, c.notices[k.notice].date
			}
		}
		if err := visit(v, c.text(first.name), c.text(first.release), known); err != nil {
			return err
		}
	}
	return nil
}
