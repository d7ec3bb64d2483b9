package eol

import (
	"fmt"
	"time"

	"github.com/assaysec/assay"
)

// free lists the products with free extended support for everybody.
// https://wiki.debian.org/LTS (2026-11-23)
var free = map[string]bool{"debian": true}

// maxCycle bounds the name of a release cycle; they are short words (2026).
const maxCycle = 200

// release is one release in the document of all products. A boolean beside each
// date says whether it has passed; if upstream knows no date, only the boolean
// is set. Without either, nothing is known.
type release struct {
	product   string
	label     string // the product's name for people
	extension string // the name of the product's extended support

	Cycle        string `json:"name"`
	EOL          *bool  `json:"isEol"`
	EOLFrom      string `json:"eolFrom"`
	Extended     *bool  `json:"isEoes"`
	ExtendedFrom string `json:"eoesFrom"`
}

// advisory builds the record; why is the reason if there is none.
func (r *release) advisory() (a assay.Advisory, why string) {
	if r.Cycle == "" || len(r.Cycle) > maxCycle {
		return a, "malformed release"
	}
	ended, from := r.EOL, r.EOLFrom
	if free[r.product] && (r.ExtendedFrom > from || r.ExtendedFrom == "" && r.Extended != nil && !*r.Extended) {
		ended, from = r.Extended, r.ExtendedFrom
	}
	name := r.product
	if r.label != "" {
		name = r.label
	}
	name += " " + r.Cycle
	f := assay.Affected{Stream: assay.StreamEOL, Name: r.product, Versions: []string{r.Cycle}, Status: assay.StatusEndOfLife}
	a = assay.Advisory{ID: "EOL-" + r.product + "-" + r.Cycle, Feed: "eol", URL: site + r.product}
	switch {
	case from != "":
		date, err := time.Parse(time.DateOnly, from)
		if err != nil {
			return a, "malformed date"
		}
		a.Published, a.Title = date, fmt.Sprintf("%s reaches its end of life on %s", name, from)
	case ended == nil:
		return a, "no end-of-life date"
	case *ended:
		f.Reason, a.Title = "true", name+" has reached its end of life"
	default:
		f.Reason, f.Status, a.Title = "false", assay.StatusNotAffected, name+" has no date for its end of life"
	}
	if r.ExtendedFrom != "" && from != r.ExtendedFrom {
		what := r.extension
		if what == "" {
			what = "Extended support"
		}
		a.Text = fmt.Sprintf("%s ends on %s and is not available to all users.", what, r.ExtendedFrom)
	}
	a.Affected = []assay.Affected{f}
	return a, ""
}
