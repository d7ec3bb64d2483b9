package trivydb

import (
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/version"
	"github.com/assaysec/assay/internal/version/requirement"
)

// platform is the subject of a bucket.
type platform struct {
	stream    assay.Stream
	ecosystem *ecosystem.Ecosystem // nil for a distribution
	scheme    version.Scheme
	syntax    requirement.Syntax
}

// distributions maps the beginnings of bucket names to families of streams; the
// release follows. Longer names come first.
var distributions = []struct {
	begins string
	family assay.Stream
}{
	{"SUSE Linux Enterprise Micro ", "sle-micro"},
	{"SUSE Linux Enterprise Server ", "sles"},
	{"SUSE Linux Enterprise ", "sles"},
	{"openSUSE Tumbleweed", "opensuse-tumbleweed"},
	{"openSUSE Leap Micro ", "opensuse-leap-micro"},
	{"openSUSE Leap ", "opensuse-leap"},
	{"Oracle Linux ", "oracle"},
	{"Azure Linux ", "azurelinux"},
	{"CBL-Mariner ", "azurelinux"},
	{"Photon OS ", "photon"},
	{"amazon linux ", "amazon"},
	{"root.io debian ", "rootio:debian"},
	{"root.io ubuntu ", "rootio:ubuntu"},
	{"root.io alpine ", "rootio:alpine"},
	{"seal debian ", "seal:debian"},
	{"seal ubuntu ", "seal:ubuntu"},
	{"seal alpine ", "seal:alpine"},
	{"seal red hat ", "seal:rhel"},
	{"alpine ", "alpine"},
	{"debian ", "debian"},
	{"ubuntu ", "ubuntu"},
	{"alma ", "almalinux"},
	{"rocky ", "rocky"},
	{"bottlerocket", "bottlerocket"},
	{"chainguard", "chainguard"},
	{"minimos", "minimos"},
	{"wolfi", "wolfi"},
	{"echo", "echo"},
}

// languages maps the beginnings of bucket names to ecosystems.
var languages = map[string]assay.Stream{
	"bitnami": "bitnami", "cargo": "crates.io", "cocoapods": "cocoapods", "composer": "packagist", "conan": "conan", "erlang": "hex",
	"go": "go", "julia": "julia", "k8s": "kubernetes", "maven": "maven", "npm": "npm", "nuget": "nuget", "pip": "pypi", "pub": "pub",
	"rubygems": "rubygems", "swift": "swift",
}

// syntaxes are the ecosystems with their own syntax of requirements; the others
// use comparisons, like GitHub.
var syntaxes = map[assay.Stream]requirement.Syntax{
	"crates.io": requirement.Cargo, "packagist": requirement.Composer, "rubygems": requirement.Gem, "maven": requirement.Maven,
	"npm": requirement.NPM, "pypi": requirement.Python,
}

// redhatStreams is the family of Red Hat's bucket, whose entries have the
// release.
const redhatStreams assay.Stream = "rhel:*"

// release matches what may follow a distribution's name.
var release = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$|^edge$`)

var servicePack = regexp.MustCompile(`^([0-9]+)-SP([0-9]+)$`)

func platformOf(bucket string) (platform, bool) {
	if bucket == "Red Hat" {
		return platform{stream: redhatStreams}, true
	}
	if eco, source, ok := strings.Cut(bucket, "::"); ok {
		s, ok := languages[eco]
		e, ok2 := ecosystem.Of(s)
		if !ok || !ok2 {
			return platform{}, false
		}
		p := platform{stream: s, ecosystem: e, syntax: requirement.Plain}
		if native, ok := syntaxes[s]; ok && !strings.HasPrefix(source, "GitHub") {
			p.syntax = native
		}
		p.scheme, ok = version.ByName(e.Scheme)
		return p, ok
	}
	for _, d := range distributions {
		rest, ok := strings.CutPrefix(bucket, d.begins)
		if !ok {
			continue
		}
		family := d.family
		if r, ok := strings.CutSuffix(rest, "-ESM"); ok && family == "ubuntu" {
			family, rest = "ubuntu-esm", r
		}
		if m := servicePack.FindStringSubmatch(rest); m != nil {
			rest = m[1] + "." + m[2]
		}
		switch {
		case rest == "" && !strings.HasSuffix(d.begins, " "):
			return platform{stream: family}, true
		case release.MatchString(rest):
			return platform{stream: family + ":" + assay.Stream(rest)}, true
		}
	}
	return platform{}, false
}

// streams are the patterns of all streams above.
func streams() []assay.Stream {
	out := []assay.Stream{redhatStreams, "ubuntu-esm:*", "rootio:*", "seal:*", assay.StreamDetails + ":*"}
	for _, d := range distributions {
		s := d.family
		if strings.HasSuffix(d.begins, " ") {
			s = assay.Stream(s.Family()) + ":*"
		}
		out = append(out, s)
	}
	for _, s := range languages {
		out = append(out, s)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// enterprise finds the major release in a Red Hat product that is RHEL or part
// of it.
var enterprise = regexp.MustCompile(`^cpe:(?:/|2\.3:)[ao]:redhat:(?:enterprise_linux|rhel_[a-z_]+)(?:_eus)?:([0-9]+)`)

func rhel(cpe string) assay.Stream {
	m := enterprise.FindStringSubmatch(cpe)
	if m == nil {
		return ""
	}
	return assay.Stream("rhel:" + m[1])
}

// modular lists the distributions with modules.
var modular = []string{"rhel", "almalinux", "rocky", "oracle"}

// module splits the name of a modular package, "nodejs:18::npm".
func (p platform) module(name string) (module, pkg string) {
	if module, pkg, ok := strings.Cut(name, "::"); ok && module != "" && pkg != "" && slices.Contains(modular, p.stream.Family()) {
		return module, pkg
	}
	return "", name
}

// ranges are the affected versions. The end of a range that is not a patched
// version is fixed in the next patched version.
func (p platform) ranges(a *advisory) ([]assay.Range, error) {
	var set requirement.Set
	var err error
	if len(a.VulnerableVersions) > 0 {
		set, err = p.parseRequirements(a.VulnerableVersions)
	} else if len(a.PatchedVersions)+len(a.UnaffectedVersions) > 0 {
		var safe requirement.Set
		if set, err = p.parseRequirements(a.PatchedVersions); err == nil {
			safe, err = p.parseRequirements(a.UnaffectedVersions)
		}
		set = set.Or(safe.Unfixed()).Not()
	} else {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ranges, err := set.Ranges()
	if err != nil {
		return nil, err
	}
	p.unfix(ranges, a.PatchedVersions)
	requirement.Patch(p.scheme, ranges, a.PatchedVersions)
	return ranges, nil
}

// unfix converts the fixes of ranges that are not patched versions to plain
// ends. If there are no patched versions, or they are requirements, it changes
// nothing.
func (p platform) unfix(ranges []assay.Range, patched []string) {
	var fixes []version.Key
	for _, v := range patched {
		k, err := p.scheme.Key(v)
		if err != nil || strings.ContainsAny(v, "<>=!^~*|,[]() ") {
			return
		}
		fixes = append(fixes, k)
	}
	for i := range ranges {
		r := &ranges[i]
		end, err := p.scheme.Key(r.Fixed)
		if len(fixes) == 0 || r.Fixed == "" || r.LastAffected != "" || err != nil {
			continue
		}
		if !slices.ContainsFunc(fixes, func(f version.Key) bool { return p.scheme.Compare(f, end) == 0 }) {
			r.Fixed, r.Before = "", r.Fixed
		}
	}
}

// parseRequirements reads requirements; GitLab writes those of Maven and NuGet in brackets.
func (p platform) parseRequirements(texts []string) (requirement.Set, error) {
	syntax := p.syntax
	if slices.ContainsFunc(texts, func(t string) bool { return strings.ContainsAny(t, "[(") }) {
		syntax = requirement.Maven
	}
	return requirement.Any(syntax, p.scheme, texts)
}
