package cvss

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
)

// lines reads a list of the conformance data: its lines that hold something,
// and what their comments say.
func lines(t testing.TB, name string) (texts, comments []string) {
	t.Helper()
	f, err := os.Open(corpus.Path(t, "conformance/claircore/cvss/"+name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		text, comment, _ := strings.Cut(sc.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			texts, comments = append(texts, text), append(comments, strings.TrimSpace(comment))
		}
	}
	if sc.Err() != nil || len(texts) == 0 {
		t.Fatalf("%d lines, %v", len(texts), sc.Err())
	}
	return texts, comments
}

func TestConformanceScores(t *testing.T) {
	for _, name := range []string{"v2_score.list", "v30_score.list", "v31_score.list", "v4_score.list"} {
		t.Run(name, func(t *testing.T) {
			texts, _ := lines(t, name)
			for _, text := range texts {
				f := strings.Fields(text)
				want, err := strconv.ParseFloat(f[1], 64)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := total(f[0]); err != nil || got != want {
					t.Errorf("total(%s) = %v, %v, want %v", f[0], got, err, want)
				}
			}
		})
	}
}

func TestConformanceErrors(t *testing.T) {
	for _, name := range []string{"v2_error.list", "v3_error.list", "v4_error.list"} {
		t.Run(name, func(t *testing.T) {
			texts, comments := lines(t, name)
			for i, text := range texts {
				got, err := Parse("nvd", text)
				if err == nil && got.Version[0] != name[1] {
					continue // an error to a reader of one version only
				}
				if comments[i] == "OK" && err != nil || comments[i] != "OK" && !errors.Is(err, assay.ErrMalformed) {
					t.Errorf("Parse(%s): %v, want %s", text, err, comments[i])
				}
			}
		})
	}
}

func TestConformanceRoundTrips(t *testing.T) {
	for _, name := range []string{"v2_roundtrip.list", "v3_roundtrip.list", "v4_roundtrip.list"} {
		t.Run(name, func(t *testing.T) {
			texts, _ := lines(t, name)
			for _, text := range texts {
				if got, err := Parse("nvd", text); err != nil || got.Vector != text {
					t.Errorf("Parse(%s) = %+v, %v", text, got, err)
				}
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, vector string
		want         assay.CVSS
		all          float64 // Score
	}{
		{"version 2 in parentheses", "(AV:N/AC:L/Au:N/C:P/I:P/A:P)",
			assay.CVSS{Version: "2.0", Vector: "AV:N/AC:L/Au:N/C:P/I:P/A:P", Score: 7.5}, 7.5},
		{"version 2 with temporal metrics", "AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C",
			assay.CVSS{Version: "2.0", Vector: "AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C", Score: 7.8}, 6.4},
		{"version 2 without impact", "AV:N/AC:L/Au:N/C:N/I:N/A:N",
			assay.CVSS{Version: "2.0", Vector: "AV:N/AC:L/Au:N/C:N/I:N/A:N"}, 0},
		{"version 2, a tie", "AV:N/AC:L/Au:N/C:C/I:C/A:N/E:H/RL:W/RC:C",
			assay.CVSS{Version: "2.0", Vector: "AV:N/AC:L/Au:N/C:C/I:C/A:N/E:H/RL:W/RC:C", Score: 9.4}, 8.9},
		{"score before", "7.5/CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:H",
			assay.CVSS{Version: "3.0", Vector: "CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:H", Score: 7.5}, 7.5},
		{"slash after", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/",
			assay.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}, 9.8},
		{"version 3.0, where floating point adds", "CVSS:3.0/AV:L/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N/RC:U",
			assay.CVSS{Version: "3.0", Vector: "CVSS:3.0/AV:L/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N/RC:U", Score: 4.4}, 4.1},
		{"version 3.0", "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
			assay.CVSS{Version: "3.0", Vector: "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}, 9.8},
		{"version 3.1 in another order", "CVSS:3.1/S:U/AV:N/AC:L/PR:N/UI:N/C:H/I:H/A:H",
			assay.CVSS{Version: "3.1", Vector: "CVSS:3.1/S:U/AV:N/AC:L/PR:N/UI:N/C:H/I:H/A:H", Score: 9.8}, 9.8},
		{"version 3.1 with temporal metrics", "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:N/E:F/RL:X",
			assay.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:N/E:F/RL:X", Score: 3.8}, 3.7},
		{"version 3.1 with environmental metrics", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/MAV:P/MS:C/MPR:L",
			assay.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/MAV:P/MS:C/MPR:L", Score: 9.8}, 6.9},
		{"version 4.0", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
			assay.CVSS{Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Score: 9.3}, 9.3},
		{"version 4.0 in the order of drafts", "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:N/VC:H/SC:N/VI:H/SI:N/VA:H/SA:N",
			assay.CVSS{Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:N/VC:H/SC:N/VI:H/SI:N/VA:H/SA:N", Score: 8.7}, 8.7},
		{"version 4.0, a tie", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:H/VI:L/VA:N/SC:H/SI:H/SA:H",
			assay.CVSS{Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:H/VI:L/VA:N/SC:H/SI:H/SA:H", Score: 8.6}, 8.6},
		{"version 4.0 with a threat metric", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:P",
			assay.CVSS{Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:P", Score: 8.9}, 8.9},
		{"version 4.0 without impact", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N/E:A",
			assay.CVSS{Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N/E:A"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Source = "ghsa"
			got, err := Parse("ghsa", tt.vector)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
			if all, err := total(tt.vector); err != nil || all != tt.all {
				t.Errorf("Score = %v, %v, want %v", all, err, tt.all)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, vector := range []string{
		"", "(", "()", "/", "1/", "x/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "(AV:N/AC:L/Au:N/C:P/I:P/A:P", "AV:N/AC:L/Au:N/C:P/I:P/A:P)", "(CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H)",
		"CVSS:3.1/", "CVSS:5.0/AV:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H//", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:",
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E: ", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U P",
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" + strings.Repeat("/RL:X", 100),
	} {
		if got, err := Parse("nvd", vector); !errors.Is(err, assay.ErrMalformed) || got != (assay.CVSS{}) {
			t.Errorf("Parse(%.60q) = %+v, %v, want ErrMalformed", vector, got, err)
		}
	}
}

// TestRoundings holds that rounding leaves what is rounded alone.
func TestRoundings(t *testing.T) {
	for i := range 101 {
		x := float64(i) / 10
		if nearest(x) != x || ceil30(x) != x || ceil31(x) != x {
			t.Errorf("%v becomes %v, %v, %v", x, nearest(x), ceil30(x), ceil31(x))
		}
	}
}

// each calls f with every vector of the mandatory metrics of s.
func each(s *standard, f func(vector string)) {
	var walk func(i int, vector string)
	walk = func(i int, vector string) {
		if i == s.base {
			f(vector)
			return
		}
		if i > 0 {
			vector += "/"
		}
		for v := range strings.FieldsSeq(s.metrics[i].values) {
			walk(i+1, vector+s.metrics[i].name+":"+v)
		}
	}
	walk(0, s.prefix)
}

// TestMonotone holds that a metric at a more severe value never lowers the
// score of version 4.0.
func TestMonotone(t *testing.T) {
	scores := map[string]float64{}
	each(&v4, func(vector string) {
		scores[vector], _ = total(vector)
	})
	if len(scores) != 4*2*2*3*3*729 {
		t.Fatalf("%d vectors", len(scores))
	}
	for vector, score := range scores {
		for _, m := range v4.metrics[:v4.base] {
			words := strings.Fields(m.values)
			for i, w := range words[1:] {
				worse := strings.Replace(vector, "/"+m.name+":"+w, "/"+m.name+":"+words[i], 1)
				if scores[worse] < score {
					t.Fatalf("%s scores %v, %s %v", vector, score, worse, scores[worse])
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"v2_score.list", "v31_score.list", "v4_score.list", "v4_error.list"} {
		texts, _ := lines(f, name)
		for _, text := range texts {
			vector, _, _ := strings.Cut(text, " ")
			f.Add(vector)
		}
	}
	f.Fuzz(func(t *testing.T, vector string) {
		got, err := Parse("nvd", vector)
		all, err2 := total(vector)
		if err != nil || err2 != nil {
			if !errors.Is(err, assay.ErrMalformed) || !errors.Is(err2, assay.ErrMalformed) {
				t.Fatal(err, err2)
			}
			return
		}
		if got.Score < 0 || got.Score > 10 || all < 0 || all > 10 {
			t.Errorf("%s scores %v and %v", vector, got.Score, all)
		}
		again, err := Parse("nvd", got.Vector)
		if err != nil || again != got {
			t.Errorf("%s becomes %+v, then %+v, %v", vector, got, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, vector := range []string{
		"AV:N/AC:L/Au:N/C:P/I:P/A:P",
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
	} {
		b.Run(vector[:8], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse("nvd", vector); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// total computes the score of all metrics that a vector gives: where there is
// an environmental one the environmental score, else where there is a temporal
// one the temporal score, else the base score.
func total(vector string) (float64, error) {
	s, _, v, err := parse(vector)
	if err != nil {
		return 0, err
	}
	return s.score(&v), nil
}
