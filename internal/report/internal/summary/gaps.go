package summary

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay"
)

// A GapGroup contains the gaps of a report that have one cause.
type GapGroup struct {
	Where string // examples of places, and how many there are
	What  string
	Count int
}

func (g GapGroup) String() string { return g.Where + ": " + g.What }

// maxPlaces is how many places of one cause people need to see; JSON has them all.
const maxPlaces = 3

// Gaps groups gaps by cause, in the order of the report.
func Gaps(r *assay.Report) (out []GapGroup) {
	at := map[string]int{}
	places := [][]string{}
	for _, g := range r.Gaps {
		n, ok := at[g.What]
		if !ok {
			n = len(out)
			at[g.What] = n
			out, places = append(out, GapGroup{What: g.What}), append(places, nil)
		}
		if out[n].Count++; out[n].Count <= maxPlaces+1 {
			places[n] = append(places[n], g.Where)
		}
	}
	for i := range out {
		g := &out[i]
		if g.Count > maxPlaces+1 {
			g.Where = fmt.Sprintf("%s and %d more", strings.Join(places[i][:maxPlaces], ", "), g.Count-maxPlaces)
		} else {
			g.Where = strings.Join(places[i], ", ")
		}
	}
	return out
}

// GapCounts counts the gaps for a heading, and their causes where they are fewer.
func GapCounts(r *assay.Report, groups []GapGroup) string {
	if len(groups) == len(r.Gaps) {
		return fmt.Sprint(len(r.Gaps))
	}
	causes := "1 cause"
	if len(groups) > 1 {
		causes = fmt.Sprintf("%d causes", len(groups))
	}
	return fmt.Sprintf("%d, %s", len(r.Gaps), causes)
}
