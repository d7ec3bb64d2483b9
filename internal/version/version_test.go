package version

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
)

// op writes the sign of a comparison as the vectors do.
func op(c int) string { return []string{"<", "=", ">"}[1+max(-1, min(1, c))] }

// checkLine holds "A < B" in both directions.
func checkLine(t *testing.T, s Scheme, line string) {
	t.Helper()
	f := strings.Fields(line)
	if len(f) != 3 {
		t.Fatalf("%q is no comparison", line)
	}
	for _, d := range []struct{ a, want, b string }{
		{f[0], f[1], f[2]},
		{f[2], strings.NewReplacer("<", ">", ">", "<").Replace(f[1]), f[0]},
	} {
		c, err := Compare(s, d.a, d.b)
		if err != nil || op(c) != d.want {
			t.Errorf("%s: %s %s %s (%v), want %s", s.Name(), d.a, op(c), d.b, err, d.want)
		}
	}
}

// vectors reads the comparisons of other projects for a family.
func vectors(t testing.TB, family string) []string {
	t.Helper()
	f, err := os.Open(corpus.Path(t, "conformance/versions/"+family+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if l := strings.TrimSpace(sc.Text()); l != "" && !strings.HasPrefix(l, "#") && !strings.HasPrefix(l, "//") {
			lines = append(lines, l)
		}
	}
	return lines
}

var families = map[Scheme]string{
	Apk: "alpine", CRAN: "cran", Deb: "debian", Gem: "rubygems", Hackage: "hackage", Maven: "maven", NuGet: "nuget",
	Packagist: "packagist", PEP440: "pypi", Pub: "pub", RPM: "redhat", SemVer: "semver",
}

func TestConformance(t *testing.T) {
	for s, family := range families {
		t.Run(family, func(t *testing.T) {
			for _, line := range vectors(t, family) {
				checkLine(t, s, line)
			}
		})
	}
}

func TestByName(t *testing.T) {
	for _, s := range All() {
		if got, ok := ByName(s.Name()); !ok || got != s {
			t.Errorf("ByName(%q) = %v, %v", s.Name(), got, ok)
		}
	}
	if s, ok := ByName("none"); ok || s != nil {
		t.Errorf("ByName(none) = %v", s)
	}
}

// sample is a corpus of versions: those of the vectors and generated ones of
// the characters that matter to the scheme.
func sample(t testing.TB, s Scheme, n int) []string {
	var all []string
	if family, ok := families[s]; ok {
		for _, l := range vectors(t, family) {
			f := strings.Fields(l)
			all = append(all, f[0], f[2])
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	atoms := map[Scheme][]string{
		Apk:    {"_alpha", "_rc", "_p", "_git", "-r", "a", "p", "~1f", ".", ".0", ".1", ".01", "_", "x", "-"},
		Deb:    {"~", "+", ".", "a", "Z", "-", "deb", "ubuntu", "0", "9", "10", "é", "_"},
		RPM:    {"~", "^", ".", "_", "a", "el", "Z", "-", "+", "é"},
		Pacman: {".", "a", "rc", "_", "+", ".a", ".1"},

		Actions:   {".", ".0", ".x", "-a", "-1", "rc", ".0.0"},
		Bitnami:   {".", "-", "-0", "-1", "-rc.1", "-1-a", "+a"},
		CRAN:      {".", "-", ".0", "-1"},
		Gem:       {".", ".0", ".a", "b", "-", ".pre", ".0.0", "Z"},
		Generic:   {".", ".0", "a", "u", "-rc", "beta", "_", "+", ".0.0", "final"},
		Hackage:   {".", ".0", ".1"},
		Maven:     {".", "-", ".0", "-0", "a", "-alpha", ".beta-", "SNAPSHOT", "-sp", "x", ".final", "rc", "..", "--"},
		NuGet:     {".", ".0", "-", "-a", "-A.", "-rc", "+b", ".1.0"},
		Packagist: {".", ".0", "-dev", "RC", "b", "-alpha", "pl", "foo", "+", "-stable", "x-dev"},
		PEP440:    {".", ".0", "a", "rc", ".post", ".dev", "-", "-1", "+l", "+1", "pre", "foo", "_"},
		Perl:      {".", ".0", "_", ".00", "1"},
		Portage:   {".", ".0", ".01", "a", "z", "_p", "_rc", "_alpha", "-r"},
		Pub:       {".", ".0", "-", "-a", "-1", "+", "+a", "+1", "."},
		SemVer:    {".", ".0", "-", "-a", "-1", "-rc.", "+a", "rc", ".0.0"},
	}[s]
	if len(atoms) == 0 {
		atoms = []string{".", ".0", ".1", ".01", "-", "-1", "a", "rc"}
	}
	prefixes := map[Scheme][]string{
		Deb: {"0:", "1:", "2:"}, RPM: {"0:", "1:", "2:"}, Pacman: {"0:", "1:", "2:"}, PEP440: {"0!", "1!", "v"},
		Packagist: {"v", "dev-", "0."}, Perl: {"v", "v0.", "0."}, SemVer: {"v", "v0.", "0."},
	}[s]
	for range n {
		var b strings.Builder
		if len(prefixes) > 0 && r.IntN(4) == 0 {
			b.WriteString(prefixes[r.IntN(len(prefixes))])
		}
		fmt.Fprint(&b, r.IntN(3))
		for range r.IntN(5) {
			b.WriteString(atoms[r.IntN(len(atoms))])
			if r.IntN(2) == 0 {
				fmt.Fprint(&b, r.IntN(12))
			}
		}
		all = append(all, b.String())
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var valid []string
	for _, v := range all[:min(n, len(all))] {
		if _, err := s.Key(v); err == nil {
			valid = append(valid, v)
		}
	}
	return valid
}

// separatorRuns are versions that libalpm does not order.
func separatorRuns(v string) bool {
	for i := range len(v) {
		if separators(v[i:]) > 1 {
			return true
		}
	}
	return false
}

// peer compares all pairs with what the package manager itself says.
func peer(t *testing.T, s Scheme, program string, ask func(a, b string) (string, error)) {
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(err)
	}
	versions := sample(t, s, 600)
	for i := 0; i+1 < len(versions); i += 2 {
		a, b := versions[i], versions[i+1]
		want, err := ask(a, b)
		if err != nil {
			t.Fatalf("%s: %s, %s: %v", program, a, b, err)
		}
		c, err := Compare(s, a, b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, op(c)); diff != "" {
			t.Errorf("%s and %s (-%s +got):\n%s", a, b, program, diff)
		}
	}
}

func TestDpkgAgrees(t *testing.T) {
	peer(t, Deb, "dpkg", func(a, b string) (string, error) {
		for want, rel := range map[string]string{"<": "lt", "=": "eq", ">": "gt"} {
			if err := exec.Command("dpkg", "--compare-versions", a, rel, b).Run(); err == nil {
				return want, nil
			}
		}
		return "", errors.New("dpkg refuses the pair")
	})
}

// TestRPMAgrees asks rpm.vercmp, which of rpm 4.16 on compares whole
// epoch:version-release strings.
func TestRPMAgrees(t *testing.T) {
	peer(t, RPM, "rpm", func(a, b string) (string, error) {
		out, err := exec.Command("rpm", "--eval", fmt.Sprintf("%%{lua: print(rpm.vercmp(%q, %q))}", a, b)).Output()
		return map[string]string{"-1": "<", "0": "=", "1": ">"}[strings.TrimSpace(string(out))], err
	})
}

func FuzzCompare(f *testing.F) {
	for _, s := range All() {
		for _, v := range []string{
			"1:1.2.3-4", "1.2_rc1~ab-r1", "~", "1-", "1.0^git1~x", "0..1", "",
			"v1.0.0-rc.1+b.2", "1!1.0a1.post1.dev1+l.1", "1.0.a.0.b", "1.0.0-M1.Final--x", "1.x-dev#1", "v1.2_3-TRIAL1",
		} {
			f.Add(s.Name(), v, "1.0", "2:0~-r1")
		}
	}
	f.Fuzz(func(t *testing.T, name, a, b, c string) {
		s, ok := ByName(name)
		if !ok {
			t.Skip()
		}
		ab, err := Compare(s, a, b)
		if err != nil {
			if !errors.Is(err, assay.ErrMalformed) {
				t.Fatal(err)
			}
			t.Skip()
		}
		if ba, _ := Compare(s, b, a); op(-ba) != op(ab) {
			t.Errorf("%q %s %q, but the other way %s", a, op(ab), b, op(-ba))
		}
		if aa, _ := Compare(s, a, a); aa != 0 {
			t.Errorf("%q is not itself", a)
		}
		bc, err := Compare(s, b, c)
		if ac, _ := Compare(s, a, c); err == nil && s != Pacman && !(s == Packagist && strings.Contains(a+b+c, "#")) && ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%q <= %q <= %q, but not the first and the last", a, b, c)
		}
	})
}

func BenchmarkKey(b *testing.B) {
	for s, v := range map[Scheme]string{
		Actions: "v46.0.1", Apk: "1.36.1_p20230702-r15", Deb: "1:2.39.5-0+deb12u1", RPM: "1:3.0.7-25.el9_3.2", Pacman: "1:2.39.5+r3+gabc-1",
		Bitnami: "11.2.2-1", CRAN: "0.9-12.1", Gem: "3.0.0.alpha.5.0.3", Generic: "1.0.2u-fips", Hackage: "0.1.26.10",
		Maven: "4.1.104.Final-redhat-1", NuGet: "3.14.0-rc1", Packagist: "v3.12.0RC1", PEP440: "1.2.3rc1.post2.dev3",
		Perl: "1.002003", Portage: "1.2.3b_rc1-r2", Pub: "3.0.0-nullsafety.0+1", SemVer: "v0.0.0-20130808000456-233bccbb1abe",
	} {
		b.Run(s.Name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Key(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	for s, v := range map[Scheme][2]string{
		Deb:       {"1:2.39.5-0+deb12u1", "1:2.39.5-0+deb12u2"},
		Pacman:    {"1:2.39.5+r3+gabc-1", "1:2.39.5+r3+gabc-2"},
		Packagist: {"v3.12.0RC1", "v3.12.0RC2"},
	} {
		x, _ := s.Key(v[0])
		y, _ := s.Key(v[1])
		b.Run(s.Name(), func(b *testing.B) {
			for b.Loop() {
				if s.Compare(x, y) >= 0 {
					b.Fatal("not older")
				}
			}
		})
	}
}
