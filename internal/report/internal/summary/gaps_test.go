package summary

import (
	"fmt"
	"testing"

	"github.com/assaysec/assay"
)

func TestGaps(t *testing.T) {
	r := &assay.Report{Gaps: []assay.Gap{{Where: "x", What: "lonely"}}}
	for i := range 129 {
		r.Gaps = append(r.Gaps, assay.Gap{Where: fmt.Sprintf("m%d/pom.xml", i), What: "parent a:b:1 is missing"})
	}
	for i := range 4 {
		r.Gaps = append(r.Gaps, assay.Gap{Where: fmt.Sprint("p", i), What: "malformed"})
	}
	got := Gaps(r)
	for i, want := range []string{"x: lonely", "m0/pom.xml, m1/pom.xml, m2/pom.xml and 126 more: parent a:b:1 is missing", "p0, p1, p2, p3: malformed"} {
		if got[i].String() != want {
			t.Errorf("%s, want %s", got[i], want)
		}
	}
	if c := GapCounts(r, got); len(got) != 3 || c != "134, 3 causes" {
		t.Error(len(got), c)
	}
	if c := GapCounts(&assay.Report{Gaps: r.Gaps[:2]}, got[:2]); c != "2" {
		t.Error(c)
	}
	if c := GapCounts(&assay.Report{Gaps: r.Gaps[1:3]}, got[:1]); c != "2, 1 cause" {
		t.Error(c)
	}
}
