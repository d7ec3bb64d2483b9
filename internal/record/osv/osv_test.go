package osv

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// numbers orders versions that are numbers.
func numbers(a, b string) (int, error) {
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	return cmp.Compare(x, y), errors.Join(err1, err2)
}

func TestIntervals(t *testing.T) {
	type r = assay.Range
	for _, tt := range []struct {
		name, events string
		want         []r
	}{
		{"from the beginning", `{"introduced":"0"},{"fixed":"3"}`, []r{{Fixed: "3"}}},
		{"no end", `{"introduced":"2"}`, []r{{Introduced: "2"}}},
		{"last affected", `{"introduced":"2"},{"last_affected":"4"}`, []r{{Introduced: "2", LastAffected: "4"}}},
		{"several", `{"introduced":"0"},{"fixed":"2"},{"introduced":"5"},{"fixed":"7"}`, []r{{Fixed: "2"}, {Introduced: "5", Fixed: "7"}}},
		{"out of order", `{"introduced":"5"},{"introduced":"0"},{"fixed":"7"},{"fixed":"2"}`, []r{{Fixed: "2"}, {Introduced: "5", Fixed: "7"}}},
		{"introduced twice", `{"introduced":"0"},{"introduced":"5"},{"fixed":"7"}`, []r{{Fixed: "7"}}},
		{"fixed and introduced in one version", `{"introduced":"5"},{"fixed":"7"},{"introduced":"7"},{"fixed":"9"}`, []r{{Introduced: "5", Fixed: "7"}, {Introduced: "7", Fixed: "9"}}},
		{"an empty interval", `{"introduced":"0"},{"fixed":"5"},{"introduced":"7"},{"fixed":"7"}`, []r{{Fixed: "5"}}},
		{"an empty interval that cannot be ordered", `{"introduced":"x"},{"fixed":"x"}`, nil},
		{"only one version", `{"introduced":"5"},{"last_affected":"5"}`, []r{{Introduced: "5", LastAffected: "5"}}},
		{"never introduced", `{"fixed":"7"}`, nil},
		{"versions that cannot be ordered", `{"introduced":"x"},{"fixed":"y"}`, []r{{Introduced: "x", Fixed: "y"}}},
		{"limit", `{"introduced":"0"},{"limit":"7"}`, []r{{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec, err := Parse([]byte(`{"id":"X","affected":[{"ranges":[{"type":"GIT","events":[{"introduced":"0"}]},{"type":"ECOSYSTEM","events":[` + tt.events + `]}]}]}`))
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(tt.want, rec.Affected[0].Intervals(numbers)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParse(t *testing.T) {
	rec, err := Parse([]byte(`{"id":"X-1","published":"2024-01-02T03:04:05Z","modified":"2024-01-02T03:04:05.5+01:00","withdrawn":"soon",
		"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N"},{"type":"CVSS_V2","score":"AV:N"},{"type":"Ubuntu","score":"medium"}],
		"affected":[{"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N"},{"type":"Ubuntu","score":"high"}]}],
		"database_specific":{"severity":["odd"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := rec.Modified.Time; !got.Equal(time.Date(2024, 1, 2, 2, 4, 5, 5e8, time.UTC)) || !rec.Withdrawn.IsZero() {
		t.Errorf("modified %v, withdrawn %v", got, rec.Withdrawn)
	}
	if diff := gocmp.Diff([]Severity{{"CVSS_V4", "CVSS:4.0/AV:N"}, {"Ubuntu", "high"}}, rec.Affected[0].Severity); diff != "" || len(rec.Severity) != 3 {
		t.Errorf("severities %v\n%s", rec.Severity, diff)
	}
	for _, in := range []string{``, `{}`, `[]`, `{"id":""}`, `{"id":1}`, `{"id":"X","affected":{}}`} {
		if _, err := Parse([]byte(in)); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("Parse(%q): %v", in, err)
		}
	}
}

func TestEcosystem(t *testing.T) {
	for in, want := range map[string]string{"Debian:12": "Debian|12", "Ubuntu:22.04:LTS": "Ubuntu|22.04:LTS", "npm": "npm|"} {
		if name, suffix := Ecosystem(in); name+"|"+suffix != want {
			t.Errorf("%s: %s %s", in, name, suffix)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":"X","affected":[{"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2"},{"introduced":"5"}]}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			return
		}
		for _, a := range r.Affected {
			once := a.Intervals(numbers)
			for _, g := range a.Ranges {
				slices.Reverse(g.Events)
			}
			if twice := a.Intervals(numbers); len(once) != len(twice) && json.Valid(b) && ordered(a) {
				t.Errorf("depends on the order of events: %v, %v", once, twice)
			}
		}
	})
}

// ordered says whether every version of a is a number, and none is there twice.
func ordered(a Affected) bool {
	seen := map[string]bool{}
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			v, _ := e.key()
			n, err := strconv.Atoi(v)
			k := fmt.Sprint(n)
			if err != nil || seen[k] {
				return false
			}
			seen[k] = true
		}
	}
	return true
}

// TestSpellings: what begins and ends at one version, spelled in two ways, is
// empty, and leaves nothing open.
func TestSpellings(t *testing.T) {
	r := Range{Type: "SEMVER", Events: []Event{{Introduced: "1.23.0-0"}, {Fixed: "1.23.5"}, {Introduced: "1.24.0-0"}, {Fixed: "1.24.0"}}}
	got := r.intervals(func(x, y string) (int, error) { return version.Compare(version.Bitnami, x, y) })
	if want := []assay.Range{{Introduced: "1.23.0-0", Fixed: "1.23.5"}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
