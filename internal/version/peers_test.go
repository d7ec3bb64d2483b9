package version_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/version"
	"github.com/assaysec/assay/internal/version/requirement"
)

// A program is an ecosystem's own. It reads pairs, "a\tb" a line, and writes for each
// -1, 0 or 1, or "?" where one is none of its versions.
type program struct {
	command []string
	env     string // NAME=directory of the library, which must be there
	script  string
}

// The programs come from Debian; scripts/test-tools.sh installs them.
var programs = map[string]program{
	"packaging": {[]string{"python3", "-c"}, "PYTHONPATH=/usr/lib/python3/dist-packages", `
import sys
from packaging.version import Version, InvalidVersion
for line in sys.stdin:
    a, b = line.rstrip("\n").split("\t")
    try:
        x, y = Version(a), Version(b)
        print((x > y) - (x < y))
    except InvalidVersion:
        print("?")
`},
	"rubygems": {[]string{"ruby", "-e"}, "", `
STDIN.each_line do |line|
  a, b = line.chomp.split("\t")
  puts Gem::Version.correct?(a) && Gem::Version.correct?(b) ? (Gem::Version.new(a) <=> Gem::Version.new(b)) : "?"
end
`},
	"composer": {[]string{"php", "-r"}, "ASSAY_COMPOSER=/usr/share/php/Composer/Semver", `
require getenv("ASSAY_COMPOSER") . "/autoload.php";
$p = new Composer\Semver\VersionParser;
while (($line = fgets(STDIN)) !== false) {
  [$a, $b] = explode("\t", rtrim($line, "\n"));
  try {
    $x = $p->normalize($a); $y = $p->normalize($b);
    if (strpos($x, "dev-") === 0 || strpos($y, "dev-") === 0) { echo "?\n"; continue; }
    echo version_compare($x, $y), "\n";
  } catch (UnexpectedValueException $e) { echo "?\n"; }
}
`},
	"node-semver": {[]string{"node", "-e"}, "NODE_PATH=/usr/share/nodejs", `
const semver = require("semver");
const out = [];
for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
  if (line === "") continue;
  const [a, b] = line.split("\t");
  out.push(semver.valid(a) && semver.valid(b) ? semver.compare(a, b) : "?");
}
console.log(out.join("\n"));
`},
	"rpm": {[]string{"rpm", "--eval"}, "", `%{lua:
for line in io.stdin:lines() do
  local a, b = line:match("([^\t]*)\t(.*)")
  print(rpm.vercmp(a, b) .. " ")
end}`},
	"dpkg": {[]string{"perl", "-MDpkg::Version", "-e"}, "", `
while (<STDIN>) {
  chomp; my ($a, $b) = split /\t/;
  my ($x, $y) = (Dpkg::Version->new($a), Dpkg::Version->new($b));
  print $x->is_valid() && $y->is_valid() ? ($x <=> $y) : "?", "\n";
}
`},
}

// ask returns what a program says of pairs. Without the program the test is skipped, or
// fails where all must be there.
func (p program) ask(t *testing.T, pairs [][2]string) []string {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath(p.command[0]); err != nil {
		missing = p.command[0]
	}
	if _, dir, _ := strings.Cut(p.env, "="); dir != "" && missing == "" {
		if _, err := os.Stat(dir); err != nil {
			missing = dir
		}
	}
	if missing != "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing: run scripts/test-tools.sh", missing)
		}
		t.Skipf("%s is missing: run scripts/test-tools.sh", missing)
	}
	var in bytes.Buffer
	for _, pair := range pairs {
		fmt.Fprintf(&in, "%s\t%s\n", pair[0], pair[1])
	}
	cmd := exec.CommandContext(t.Context(), p.command[0], append(p.command[1:], p.script)...)
	cmd.Env, cmd.Stdin = append(os.Environ(), p.env), &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %.300s", p.command[0], err, stderr.String())
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(pairs) {
		t.Fatalf("%s: %d answers for %d pairs: %.300s", p.command[0], len(answers), len(pairs), stderr.String())
	}
	return answers
}

// corpusVersions lists the versions of OSV's records of an ecosystem.
func corpusVersions(t *testing.T, ecosystem string) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	for r := range osvRecords(t, ecosystem) {
		for _, a := range r.Affected {
			for _, v := range a.Versions {
				seen[v] = true
			}
			for _, g := range a.Ranges {
				for _, e := range g.Events {
					if g.Type != "GIT" {
						seen[e["introduced"]+e["fixed"]+e["last_affected"]] = true
					}
				}
			}
		}
	}
	return seen
}

// pairsOf returns n pairs of versions: neighbours in the order of s, which are the
// hardest, and others at random.
func pairsOf(s version.Scheme, versions map[string]bool, n int) (pairs [][2]string) {
	type keyed struct {
		v   string
		key version.Key
	}
	var all []keyed
	for v := range versions {
		if k, err := s.Key(v); err == nil && !strings.ContainsAny(v, "\t\n") {
			all = append(all, keyed{v, k})
		}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		if c := s.Compare(a.key, b.key); c != 0 {
			return c
		}
		return strings.Compare(a.v, b.v)
	})
	for step := 1; step <= 3; step++ {
		for i := step; i < len(all); i++ {
			pairs = append(pairs, [2]string{all[i-step].v, all[i].v})
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for len(pairs) < n && len(all) > 1 {
		pairs = append(pairs, [2]string{all[r.IntN(len(all))].v, all[r.IntN(len(all))].v})
	}
	return pairs
}

// wantPairs is how many pairs each program is asked about at least.
const wantPairs = 100_000

// TestProgramsAgree compares the order of the versions in the corpus with that of the
// ecosystems' own programs.
func TestProgramsAgree(t *testing.T) {
	for _, tt := range []struct {
		program, ecosystem string
		scheme             version.Scheme
		judged             int // at least so many pairs are versions to the program
	}{
		{"packaging", "PyPI", version.PEP440, 90_000},
		{"rubygems", "RubyGems", version.Gem, 90_000},
		{"composer", "Packagist", version.Packagist, 90_000},
		{"node-semver", "npm", version.SemVer, 90_000},
	} {
		t.Run(tt.program, func(t *testing.T) {
			t.Parallel()
			pairs := pairsOf(tt.scheme, corpusVersions(t, tt.ecosystem), wantPairs)
			compareAll(t, tt.scheme, programs[tt.program], pairs, tt.judged)
		})
	}
	for _, tt := range []struct {
		program    string
		ecosystems []string
		scheme     version.Scheme
	}{{"dpkg", []string{"Debian"}, version.Deb}, {"rpm", []string{"AlmaLinux", "Rocky Linux", "openEuler"}, version.RPM}} {
		t.Run(tt.program, func(t *testing.T) {
			t.Parallel()
			versions := map[string]bool{}
			for _, e := range tt.ecosystems {
				maps.Copy(versions, corpusVersions(t, e))
			}
			compareAll(t, tt.scheme, programs[tt.program], pairsOf(tt.scheme, versions, wantPairs), 90_000)
		})
	}
}

func compareAll(t *testing.T, s version.Scheme, p program, pairs [][2]string, judged int) {
	t.Helper()
	n, wrong := 0, 0
	for i, answer := range p.ask(t, pairs) {
		if answer == "?" {
			continue
		}
		n++
		a, b := pairs[i][0], pairs[i][1]
		c, err := version.Compare(s, a, b)
		if got := fmt.Sprint(max(-1, min(1, c))); err != nil || got != answer {
			if wrong++; wrong <= 20 {
				t.Errorf("%s and %s: %s (%v), want %s", a, b, got, err, answer)
			}
		}
	}
	t.Logf("%d pairs, %d judged, %d differ", len(pairs), n, wrong)
	if len(pairs) < wantPairs || n < judged {
		t.Errorf("%d pairs, %d judged, want %d and %d", len(pairs), n, wantPairs, judged)
	}
}

// rangePrograms are asked whether a version, a, meets a requirement, b: 1 or 0.
var rangePrograms = map[string]program{
	"packaging": {programs["packaging"].command, programs["packaging"].env, `
import sys
from packaging.version import Version, InvalidVersion
from packaging.specifiers import SpecifierSet, InvalidSpecifier
known = {}
for line in sys.stdin:
    a, b = line.rstrip("\n").split("\t")
    try:
        if b not in known: known[b] = SpecifierSet(b, prereleases=True)
        print(int(known[b].contains(Version(a))))
    except (InvalidVersion, InvalidSpecifier):
        print("?")
`},
	"rubygems": {programs["rubygems"].command, "", `
known = {}
STDIN.each_line do |line|
  a, b = line.chomp.split("\t")
  begin
    known[b] ||= Gem::Requirement.new(*b.split(","))
    puts known[b].satisfied_by?(Gem::Version.new(a)) ? 1 : 0
  rescue ArgumentError
    puts "?"
  end
end
`},
	"composer": {programs["composer"].command, programs["composer"].env, `
require getenv("ASSAY_COMPOSER") . "/autoload.php";
$p = new Composer\Semver\VersionParser;
$known = [];
while (($line = fgets(STDIN)) !== false) {
  [$a, $b] = explode("\t", rtrim($line, "\n"));
  try {
    $known[$b] ??= $p->parseConstraints($b);
    echo (int) $known[$b]->matches(new Composer\Semver\Constraint\Constraint("==", $p->normalize($a))), "\n";
  } catch (UnexpectedValueException $e) { echo "?\n"; }
}
`},
	"node-semver": {programs["node-semver"].command, programs["node-semver"].env, `
const semver = require("semver");
const out = [];
for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
  if (line === "") continue;
  const [a, b] = line.split("\t");
  out.push(semver.valid(a) && semver.validRange(b) ? +semver.satisfies(a, b, {includePrerelease: true}) : "?");
}
console.log(out.join("\n"));
`},
}

// TestRangeProgramsAgree asks the same programs whether versions meet requirements, which
// are written from the ranges of the corpus, and compares their answers with ours.
func TestRangeProgramsAgree(t *testing.T) {
	for _, tt := range []struct {
		program, ecosystem, separator string
		scheme                        version.Scheme
		syntax                        requirement.Syntax
		explained                     func(v, text string) bool // why answers differ
	}{
		// A requirement below 2.0 excludes 2.0rc1 to pip, which then is no candidate; an
		// advisory includes it. https://peps.python.org/pep-0440/#exclusive-ordered-comparison
		{"packaging", "PyPI", ",", version.PEP440, requirement.Python, func(v, text string) bool {
			_, end, ok := strings.Cut(text, "<")
			release, _, _ := strings.Cut(end, ".post")
			a, err := version.Compare(version.PEP440, v, release+".dev0")
			b, err2 := version.Compare(version.PEP440, v, end)
			return ok && err == nil && err2 == nil && a >= 0 && b < 0
		}},
		{"rubygems", "RubyGems", ",", version.Gem, requirement.Gem, nil},
		// Composer puts "-dev" behind bounds without a stability, so that pre-releases of
		// the end are outside and those of the beginning inside; advisories mean the order.
		// https://getcomposer.org/doc/articles/versions.md#stability-constraints
		{"composer", "Packagist", ",", version.Packagist, requirement.Composer, func(v, text string) bool {
			return strings.ContainsFunc(strings.TrimLeft(v, "vV"), func(c rune) bool { return 'A' <= c && c <= 'z' })
		}},
		{"node-semver", "npm", " ", version.SemVer, requirement.NPM, nil},
	} {
		t.Run(tt.program, func(t *testing.T) {
			t.Parallel()
			pairs := rangePairs(t, tt.ecosystem, tt.separator)
			answers := rangePrograms[tt.program].ask(t, pairs)
			n, wrong, explained := 0, 0, 0
			sets := map[string]requirement.Set{}
			for i, answer := range answers {
				v, text := pairs[i][0], pairs[i][1]
				if answer == "?" {
					continue
				}
				n++
				got, err := meets(sets, tt.syntax, tt.scheme, v, text)
				switch {
				case err == nil && got == answer:
				case err == nil && tt.explained != nil && tt.explained(v, text):
					explained++
				default:
					if wrong++; wrong <= 20 {
						t.Errorf("%s in %q: %s (%v), want %s", v, text, got, err, answer)
					}
				}
			}
			t.Logf("%d pairs, %d judged, %d explained, %d differ", len(pairs), n, explained, wrong)
			if n < wantPairs || explained > n/50 {
				t.Errorf("%d judged, of which %d need an explanation", n, explained)
			}
		})
	}
}

// meets reports whether a version, or what counts of it, meets a requirement: "1" or "0".
func meets(sets map[string]requirement.Set, syntax requirement.Syntax, s version.Scheme, v, text string) (string, error) {
	set, ok := sets[text]
	if !ok {
		var err error
		if set, err = requirement.Parse(syntax, s, text); err != nil {
			return "", err
		}
		sets[text] = set
	}
	this, err := requirement.Parse(requirement.Plain, s, "="+version.Public(s, v))
	if err != nil {
		return "", err
	}
	if set.And(this).Empty() {
		return "0", nil
	}
	return "1", nil
}

// rangePairs pairs the ranges of OSV's records, as requirements, with their own bounds
// and versions and with others at random.
func rangePairs(t *testing.T, ecosystem, separator string) (pairs [][2]string) {
	t.Helper()
	texts := map[string][]string{} // versions to ask about
	pool := slices.Sorted(maps.Keys(corpusVersions(t, ecosystem)))
	for r := range osvRecords(t, ecosystem) {
		for _, a := range r.Affected {
			for _, g := range a.Ranges {
				if g.Type == "GIT" || len(g.Events) != 2 {
					continue
				}
				low, fixed, last := g.Events[0]["introduced"], g.Events[1]["fixed"], g.Events[1]["last_affected"]
				var parts []string
				if low != "0" {
					parts = append(parts, ">="+low)
				}
				if fixed != "" {
					parts = append(parts, "<"+fixed)
				} else {
					parts = append(parts, "<="+last)
				}
				if text := strings.Join(parts, separator); low != "" && fixed+last != "" && texts[text] == nil {
					texts[text] = append([]string{low, fixed + last}, a.Versions[:min(len(a.Versions), 5)]...)
				}
			}
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	each := wantPairs*11/10/max(len(texts), 1) + 1
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		for _, v := range texts[text] {
			pairs = append(pairs, [2]string{v, text})
		}
		for range each {
			pairs = append(pairs, [2]string{pool[random.IntN(len(pool))], text})
		}
	}
	return slices.DeleteFunc(pairs, func(p [2]string) bool { return p[0] == "" || strings.ContainsAny(p[0], "\t\n") })
}
