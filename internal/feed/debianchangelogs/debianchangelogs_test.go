package debianchangelogs

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

const log = `openssl (3.0.2-1+deb12u2) bookworm-security; urgency=medium

  * Fix the regression of CVE-2024-0001.
  * CVE-2024-0003, CVE-2024-0004

 -- A <a@example.org>  Mon, 01 Jan 2024 00:00:00 +0000

openssl (3.0.2-1) unstable; urgency=medium

  * New upstream release.
    - drop CVE-2024-0002.patch

openssl (3.0.1-1) unstable; urgency=medium

  * CVE-2024-0001
  * CVE-2024-0002: patch

ssleay (0.9) unstable; urgency=low

  * CVE-1999-0001
`

func gz(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

func tarball(t testing.TB, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for n, c := range map[string]string{name: content, "debian/copyright": "x"} {
		if err := w.WriteHeader(&tar.Header{Name: n, Size: int64(len(c)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(c))
	}
	w.Close()
	return gz(b.Bytes())
}

// pool is a mirror of packages: suites' lists of files.
type pool struct{ contract.Documents }

// add puts a package's file in the pool and returns its stanza.
func (p pool) add(base, pkg, version, file string, content []byte) string {
	p.Documents[base+"pool/"+pkg+"/"+file] = content
	sum := sha256.Sum256(content)
	return fmt.Sprintf("Package: %s\nVersion: %s\nDirectory: pool/%s\nChecksums-Sha256:\n 00 1 %s_%s.dsc\n %s %d %s\n\n", pkg, version, pkg, pkg, version, hex.EncodeToString(sum[:]), len(content), file)
}

func mirror(t testing.TB) pool {
	p := pool{contract.Documents{}}
	diff := "--- a/debian/control\n+++ b/debian/control\n+CVE-2024-9999\n--- /dev/null\n+++ zlib-1.2/debian/changelog\n@@ -0,0 +1,3 @@\n"
	for line := range strings.Lines("zlib (1:1.2-3) unstable; urgency=low\n\n  * CVE-2024-0005\n") {
		diff += "+" + line
	}
	p.Documents[Archive+"dists/bookworm/main/source/Sources.xz"] = gz([]byte(
		p.add(Archive, "openssl", "3.0.2-1", "openssl_3.0.2-1.debian.tar.gz", tarball(t, "debian/changelog", "openssl (3.0.2-1) x; y\n  * CVE-2024-7777\n")) +
			p.add(Archive, "zlib", "1:1.2-3", "zlib_1.2-3.diff.gz", gz([]byte(diff))) +
			p.add(Archive, "native", "5", "native_5.tar.gz", tarball(t, "native-5/debian/changelog", "native (5) x; y\n  * (CVE-2024-0006)\n")) +
			p.add(Archive, "silent", "1", "silent_1.tar.gz", tarball(t, "silent-1/README", "CVE-2024-0007")) +
			"Package: nothing\nVersion: 1\n\n"))
	p.Documents[Security+"dists/bookworm-security/main/source/Sources.xz"] = gz([]byte(
		p.add(Security, "openssl", "3.0.2-1+deb12u2", "openssl_3.0.2-1+deb12u2.debian.tar.gz", tarball(t, "debian/changelog", log))))
	return p
}

func rows(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		f := a.Affected[0]
		out = append(out, fmt.Sprintf("%s %s %s %s", f.Stream, f.Name, a.ID, f.Ranges[0].Fixed))
		if f.Reason != Derived {
			out = append(out, "not marked as derived")
		}
	}
	return out
}

func TestFetch(t *testing.T) {
	m := mirror(t)
	r := contract.Fetch(t, Feed{}, m)
	want := []string{
		"debian:12 native CVE-2024-0006 5",
		"debian:12 openssl CVE-2024-0001 3.0.1-1", "debian:12 openssl CVE-2024-0002 3.0.1-1",
		"debian:12 openssl CVE-2024-0003 3.0.2-1+deb12u2", "debian:12 openssl CVE-2024-0004 3.0.2-1+deb12u2",
		"debian:12 zlib CVE-2024-0005 1:1.2-3",
	}
	if got := rows(r); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := fmt.Sprint(r.Reasons()); got != fmt.Sprintf("map[%s:1 %s:1]", whyNoFile, whyNoChangelog) {
		t.Error(got)
	}
	if got := rows(contract.Fetch(t, Feed{Packages: []string{"zlib"}}, m)); len(got) != 1 {
		t.Errorf("of one package: %v", got)
	}
}

func TestContract(t *testing.T) {
	docs := mirror(t).Documents
	delete(docs, Archive+"pool/openssl/openssl_3.0.2-1.debian.tar.gz") // an older version's, which is read only in place of the newest: see TestBroken
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "debian:12", Skips: func(url string) bool { return strings.Contains(url, "/pool/") }})
}

func TestBroken(t *testing.T) {
	const list = Archive + "dists/bookworm/main/source/Sources.xz"
	for name, tt := range map[string]struct {
		harm func(pool)
		err  error
		skip string
	}{
		"no lists":       {func(p pool) { clear(p.Documents) }, assay.ErrNotFound, ""},
		"list cut":       {func(p pool) { p.Documents[list] = p.Documents[list][:50] }, assay.ErrMalformed, ""},
		"file missing":   {func(p pool) { delete(p.Documents, Archive+"pool/zlib/zlib_1.2-3.diff.gz") }, nil, whyUnread},
		"newest missing": {func(p pool) { delete(p.Documents, Security+"pool/openssl/openssl_3.0.2-1+deb12u2.debian.tar.gz") }, nil, whyOlder},
		"another file":   {func(p pool) { p.Documents[Archive+"pool/zlib/zlib_1.2-3.diff.gz"] = []byte("x") }, nil, whyUnread},
		"file that is no tar's": {func(p pool) {
			p.Documents[list] = gz([]byte(p.add(Archive, "x", "1", "x_1.tar.gz", gz([]byte(strings.Repeat("x", 2000))))))
		}, nil, whyUnread},
	} {
		m := mirror(t)
		tt.harm(m)
		var r contract.Records
		err := (Feed{}).Fetch(t.Context(), m, []assay.Stream{"debian:12"}, &r)
		if !errors.Is(err, tt.err) || tt.skip != "" && r.Reasons()[tt.skip] != 1 {
			t.Errorf("%s: %v, skipped %v", name, err, r.Skipped)
		}
	}
}

func FuzzChangelog(f *testing.F) {
	f.Add([]byte(log), false)
	f.Add([]byte("+++ b/debian/changelog\n+x (1) y;\n+CVE-2024-0001\n"), true)
	f.Fuzz(func(t *testing.T, b []byte, diff bool) {
		fixes("openssl", b)
		changelog(t.Context(), bytes.NewReader(gz(b)), diff)
	})
}
