package arch

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func groupOf(status, fixed string, issues ...string) string {
	list := "[]"
	if len(issues) > 0 {
		list = `["` + strings.Join(issues, `","`) + `"]`
	}
	return fmt.Sprintf(`{"name": "AVG-1", "packages": ["curl", "lib32-curl"], "affected": "8-1", "fixed": %s, "severity": "High", "status": %q, "type": "denial of service", "issues": %s, "advisories": ["ASA-1"]}`, fixed, status, list)
}

// brief writes advisories as "ID notices severity: names status reason <fixed".
func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		var names []string
		for _, p := range a.Affected {
			names = append(names, p.Name)
		}
		p := a.Affected[0]
		out = append(out, fmt.Sprintf("%s %v %s: %v %s %q <%s", a.ID, a.VendorIDs, a.Severity, names, p.Status, p.Reason, p.Ranges[0].Fixed))
	}
	return out
}

func TestGroups(t *testing.T) {
	for _, tt := range []struct{ name, group, want string }{
		{"fixed", groupOf("Fixed", `"8-2"`, "CVE-2024-2", "CVE-2024-1"), `CVE-2024-1 [ASA-1 AVG-1] HIGH: [curl lib32-curl] affected "" <8-2; CVE-2024-2 [ASA-1 AVG-1] HIGH: [curl lib32-curl] affected "" <8-2`},
		{"no fix", groupOf("Vulnerable", `null`, "CVE-2024-1"), `CVE-2024-1 [ASA-1 AVG-1] HIGH: [curl lib32-curl] affected "Vulnerable" <`},
		{"in testing", groupOf("Testing", `"8-2"`, "CVE-2024-1"), `CVE-2024-1 [ASA-1 AVG-1] HIGH: [curl lib32-curl] affected "Testing" <8-2`},
		{"not affected", groupOf("Not affected", `null`, "CVE-2024-1"), `CVE-2024-1 [ASA-1 AVG-1] HIGH: [curl lib32-curl] not_affected "Not affected" <`},
		{"unknown", groupOf("Unknown", `null`, "CVE-2024-1"), `CVE-2024-1 [ASA-1 AVG-1] HIGH: [curl lib32-curl] unknown "Unknown" <`},
		{"no issue", groupOf("Fixed", `"8-2"`), `AVG-1 [ASA-1] HIGH: [curl lib32-curl] affected "" <8-2`},
		{"fixed by nothing", groupOf("Fixed", `null`), `fixed without a version`},
		{"a new status", groupOf("Solved", `null`), `unknown status`},
		{"no package", `{"name": "AVG-1", "status": "Fixed"}`, `no group or package`},
		{"unexpected value", `5, ` + groupOf("Fixed", `"8-2"`), `AVG-1 [ASA-1] HIGH: [curl lib32-curl] affected "" <8-2; malformed record`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, contract.Documents{Document: []byte("[" + tt.group + "]")})
			got := brief(r.Advisories)
			for why := range r.Skipped {
				got = append(got, why)
			}
			if all := strings.Join(got, "; "); all != tt.want {
				t.Errorf("got %s, want %s", all, tt.want)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: []byte("[" + groupOf("Fixed", `"8-2"`, "CVE-2024-1") + "]")}, Wanted: "arch"})
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	want := []string{
		`CVE-2024-1234 [ASA-202401-01 AVG-1234] HIGH: [curl] affected "" <8.5.0-1`,
		`CVE-2024-5678 [ASA-202401-02 AVG-5678] CRITICAL: [openssl] affected "" <3.2.0-1`,
		`CVE-2024-5679 [ASA-202401-02 AVG-5678] CRITICAL: [openssl] affected "" <3.2.0-1`,
		`CVE-2025-6020 [AVG-9999] MEDIUM: [pam] affected "Vulnerable" <`,
		`CVE-2023-4911 [ASA-202310-01 AVG-1324] HIGH: [glibc lib32-glibc] affected "" <2.38-2`,
		`AVG-2222 [] LOW: [test-pkg] affected "" <1.0.0-1`,
	}
	if diff := cmp.Diff(want, brief(r.Advisories)); diff != "" || len(r.Skipped) > 0 {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
	b, err := os.ReadFile(corpus.Path(t, "feeds/security.archlinux.org/advisory.json"))
	if err != nil {
		t.Fatal(err)
	}
	got := brief(contract.Fetch(t, Feed{}, contract.Documents{Document: b}).Advisories)
	if len(got) != 3 || !slices.Contains(got, `CVE-2016-10095 [ASA-201707-17 AVG-5] CRITICAL: [libtiff] affected "" <4.0.8-2`) {
		t.Errorf("%q", got)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, nil, "["+groupOf("Fixed", `"8-2"`, "CVE-2024-1")+"]")
}
