package assay

import (
	"strings"
	"time"
)

// A Stream is a namespace of advisories: "debian:12", "alpine:3.20", "npm".
// A package asks one or several. "*" after the colon stands for all of a
// family where patterns are taken.
type Stream string

// Family is the part before the colon.
func (s Stream) Family() string {
	f, _, _ := strings.Cut(string(s), ":")
	return f
}

// Covers reports whether s, which may end in ":*", includes t.
func (s Stream) Covers(t Stream) bool {
	if f, ok := strings.CutSuffix(string(s), ":*"); ok {
		return strings.HasPrefix(string(t), f+":")
	}
	return s == t
}

// The streams that hold something else than advisories of a distribution or
// ecosystem: details of vulnerabilities, and ends of life.
const (
	StreamEOL       Stream = "eol"        // when releases of products reach their end of life
	StreamKEV       Stream = "kev"        // known exploited vulnerabilities
	StreamEPSS      Stream = "epss"       // exploit prediction scores
	StreamCPE       Stream = "nvd-cpe"    // NVD's products, "vendor:product", for binaries without a package
	StreamRHELCPE   Stream = "rhel-cpe"   // products by Red Hat's repositories
	StreamVEX       Stream = "vex"        // what makers of products say of vulnerabilities in them
	StreamArtifacts Stream = "maven-sha1" // coordinates of Java archives, by digest
	StreamDetails          = "details"    // family: "details:2024" holds CVE-2024-*; "details:other" what has no year
)

// The feeds of details whose place in a merged Detail is fixed: the texts of
// FeedNVD come first, those of FeedKEV and FeedEPSS last.
const (
	FeedNVD  = "nvd"
	FeedKEV  = "kev"
	FeedEPSS = "epss"
)

// DetailStream is the stream that holds the details of a vulnerability.
func DetailStream(id string) Stream {
	if y, ok := strings.CutPrefix(id, "CVE-"); ok && len(y) > 5 && y[4] == '-' {
		return Stream(StreamDetails + ":" + y[:4])
	}
	return StreamDetails + ":other"
}

// Status is what a publisher says of a package and a vulnerability.
type Status string

// The words are those of the field (VEX and Trivy's --ignore-status).
const (
	StatusUnknown            Status = "unknown"
	StatusAffected           Status = "affected"
	StatusFixed              Status = "fixed"
	StatusNotAffected        Status = "not_affected"
	StatusWillNotFix         Status = "will_not_fix"
	StatusFixDeferred        Status = "fix_deferred"
	StatusUnderInvestigation Status = "under_investigation"
	StatusEndOfLife          Status = "end_of_life"
	StatusIgnored            Status = "ignored" // of suppressions only: the user does not want to see it
)

// Kind is the kind of an advisory that is not a vulnerability.
type Kind string

// Most advisories tell of a vulnerability.
const (
	KindVulnerability Kind = ""
	KindMalware       Kind = "malware"      // the package itself does harm
	KindUnmaintained  Kind = "unmaintained" // nobody fixes it any more
	KindUnsound       Kind = "unsound"      // its interface may be used wrongly (RustSec)
	KindNotice        Kind = "notice"       // something else worth knowing (RustSec)
)

// An Advisory is what one publisher says of one vulnerability.
type Advisory struct {
	ID         string     // as the publisher names it, a CVE where there is one: "CVE-2024-1", "ALSA-2024:1", "TEMP-0000000-ABCDEF"
	Aliases    []string   // other names of the same vulnerabilities
	VendorIDs  []string   // the publisher's own notices about it: "DSA-5000-1"
	Feed       string     // Name of the Feed
	Publisher  string     // whose it is, where the feed gathers others': "ghsa"; else ""
	Kind       Kind       //
	Title      string     // one line; ""
	Text       string     // description; ""
	Severity   Severity   // the publisher's own, for all packages
	CVSS       []CVSS     //
	CWEs       []string   // "CWE-79"
	URL        string     // the publisher's page
	References []string   //
	Published  time.Time  // zero when unknown
	Modified   time.Time  //
	Withdrawn  time.Time  // non-zero: the publisher took it back
	Affected   []Affected //
}

// Affected is what an advisory says of one package in one stream.
type Affected struct {
	Stream     Stream
	Name       string    // in the stream's own spelling
	Ranges     []Range   // any of them makes a version affected
	Versions   []string  // affected one by one
	Status     Status    // status of the versions in Ranges and Versions; StatusNotAffected prevents findings
	Severity   Severity  // for this package; SeverityUnknown means the advisory's
	Reason     string    // the publisher's own value behind Status: "no-dsa", "postponed"
	FixDate    time.Time // when the fix was published; zero when unknown
	Qualifiers Qualifiers
}

// A Range is a half-open interval of versions in the scheme of its stream.
// The zero Range holds every version.
type Range struct {
	Introduced   string `json:"introduced,omitempty"`   // first affected; "" means from the beginning
	Fixed        string `json:"fixed,omitempty"`        // first not affected; "" means there is none yet
	Before       string `json:"before,omitempty"`       // end of the range, which is no fix
	LastAffected string `json:"lastAffected,omitempty"` // last affected, where Fixed is unknown or is not the next version
}

// Qualifiers limit an Affected to some builds; empty means no limit.
type Qualifiers struct {
	Arches    []string // architectures, as the package manager names them
	Module    string   // rpm module "name:stream"; packages outside it do not match
	CPEs      []string // products whose repositories match
	Repos     []string // extra repositories of the publisher that contain the fix: "amzn2extra-docker"
	Flavour   string   // flavours of builds, which are compared only among themselves: "ksplice", "fips"
	OS        []string // operating systems, as GOOS names them
	Imports   []Import // vulnerable parts of the package; users of its other parts are not affected
	RunningOn []string // CPEs, one of which must be present too
	UUID      string   // of a Julia package, whose name need not be unique
}

// An Import is a part of a package, as the ecosystem names it: a Go package, a Rust
// path.
type Import struct {
	Path    string   // "golang.org/x/text/language"
	Symbols []string // "ParseAcceptLanguage", "Type.Method"; none means all
	OS      []string // GOOS; none means all
	Arches  []string // GOARCH; none means all
}

// Severity is how bad a vulnerability is, with the values of CVSS.
type Severity uint8

// Ordered: a greater value is worse.
const (
	SeverityUnknown Severity = iota
	SeverityNegligible
	SeverityLow
	SeverityMedium
	SeverityHigh
	SeverityCritical
)

var severityNames = [...]string{"UNKNOWN", "NEGLIGIBLE", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return severityNames[0]
}

// ParseSeverity reads a severity in the words of any publisher we know
// ("Important" is high, "Moderate" medium, "unimportant" negligible), in any
// case; ok is false when it is none of them.
func ParseSeverity(s string) (_ Severity, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "critical", "defcon1": // Clair's word
		return SeverityCritical, true
	case "high", "important":
		return SeverityHigh, true
	case "medium", "moderate":
		return SeverityMedium, true
	case "low":
		return SeverityLow, true
	case "negligible", "unimportant", "minor", "none":
		return SeverityNegligible, true
	case "unknown", "":
		return SeverityUnknown, true
	}
	return SeverityUnknown, false
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote, and the words of ParseSeverity.
func (s *Severity) UnmarshalText(b []byte) error {
	v, ok := ParseSeverity(string(b))
	if !ok {
		return ErrMalformed
	}
	*s = v
	return nil
}

// A CVSS is one score of a vulnerability by one source.
type CVSS struct {
	Source  string  `json:"source"`           // "nvd", "cna", "cisa-adp", "ghsa"
	Version string  `json:"version"`          // "2.0", "3.0", "3.1", "4.0"
	Vector  string  `json:"vector,omitempty"` //
	Score   float64 `json:"score"`            // base score, 0 to 10
}

// Severity is the rating of the base score.
// https://www.first.org/cvss/v3.1/specification-document#Qualitative-Severity-Rating-Scale
// Version 2 has no critical. https://nvd.nist.gov/vuln-metrics/cvss
func (c CVSS) Severity() Severity {
	switch {
	case c.Score >= 9 && c.Version != "2.0":
		return SeverityCritical
	case c.Score >= 7:
		return SeverityHigh
	case c.Score >= 4:
		return SeverityMedium
	case c.Score > 0:
		return SeverityLow
	}
	return SeverityUnknown
}

// An Artifact is a file that a registry of packages published.
type Artifact struct {
	SHA1    [20]byte
	Name    string // "group:artifact"
	Version string
}

// A Rating is one source's severity of a vulnerability, in a word.
type Rating struct {
	Source   string   `json:"source"` // "redhat", "ubuntu"
	Severity Severity `json:"severity"`
}

// A Detail describes a vulnerability itself, whatever it affects. Feeds provide parts;
// the database merges those of one ID.
type Detail struct {
	ID         string    `json:"id"`
	Feed       string    `json:"-"` // the feed that gave this part; "" once merged
	Title      string    `json:"title,omitempty"`
	Text       string    `json:"description,omitempty"`
	CVSS       []CVSS    `json:"cvss,omitempty"`
	Ratings    []Rating  `json:"ratings,omitempty"`
	CWEs       []string  `json:"cwes,omitempty"` // "CWE-79"
	References []string  `json:"references,omitempty"`
	Published  time.Time `json:"published,omitzero"`
	Modified   time.Time `json:"modified,omitzero"`
	Rejected   bool      `json:"rejected,omitempty"` // the CVE was withdrawn
	KEV        *KEV      `json:"kev,omitempty"`
	EPSS       *EPSS     `json:"epss,omitempty"`
}

// KEV is an entry of CISA's catalogue of known exploited vulnerabilities.
type KEV struct {
	Added      string `json:"added"`                // date, YYYY-MM-DD
	Due        string `json:"due,omitempty"`        // date, YYYY-MM-DD
	Ransomware bool   `json:"ransomware,omitempty"` // known use in ransomware campaigns
	Action     string `json:"action,omitempty"`     // what CISA requires
}

// EPSS is the probability that a vulnerability is exploited in the next 30 days.
type EPSS struct {
	Score      float64 `json:"score"`                // 0 to 1
	Percentile float64 `json:"percentile,omitempty"` // 0 to 1; 0 when the table has none
	Date       string  `json:"date,omitempty"`       // of the model's run, YYYY-MM-DD
}
