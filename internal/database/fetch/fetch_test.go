package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

const address = "https://publisher.example/data/list.json"

// server answers as handler does, and counts.
func server(t *testing.T, handler http.HandlerFunc) (url string, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func fetcher(t *testing.T, o Options) *Fetcher {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Backoff == 0 {
		o.Backoff = time.Millisecond
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func get(t *testing.T, f *Fetcher, url string) (string, error) {
	t.Helper()
	r, err := f.Get(t.Context(), url)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), nil
}

func TestConditional(t *testing.T) {
	for name, header := range map[string][2]string{"tag": {"ETag", `"1"`}, "weak tag": {"ETag", `W/"1"`}, "date": {"Last-Modified", "Mon, 02 Jan 2023 00:00:00 GMT"}} {
		t.Run(name, func(t *testing.T) {
			body, sent := "first", 0
			url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/publisher.example/data/list.json" || r.UserAgent() != "assay" || r.Header.Get("Accept-Encoding") != "identity" {
					t.Errorf("asked for %s with %v", r.URL, r.Header)
				}
				if r.Header.Get("If-None-Match") == header[1] || r.Header.Get("If-Modified-Since") == header[1] {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				sent++
				w.Header().Set(header[0], header[1])
				io.WriteString(w, body)
			})
			dir := t.TempDir()
			var digests []string
			for range 3 {
				f := fetcher(t, Options{Dir: dir, Mirror: url})
				if got, err := get(t, f, address); got != "first" || err != nil {
					t.Fatalf("%q, %v", got, err)
				}
				d, err := f.Digest(t.Context(), address)
				if err != nil {
					t.Fatal(err)
				}
				digests = append(digests, d)
			}
			if sent != 1 || digests[0] != digests[2] {
				t.Errorf("sent %d times, digests %v", sent, digests)
			}
			old, err := fetcher(t, Options{Dir: dir, Mirror: url}).Get(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			body, header[1] = "second", `"2"`
			if header[0] == "Last-Modified" {
				header[1] = "Tue, 03 Jan 2023 00:00:00 GMT"
			}
			f := fetcher(t, Options{Dir: dir, Mirror: url})
			if got, err := get(t, f, address); got != "second" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			if b, _ := io.ReadAll(old); string(b) != "first" {
				t.Errorf("the old edition, still open: %q", b)
			}
			if d, _ := f.Digest(t.Context(), address); d == digests[0] {
				t.Error("the digest did not change")
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 3 { // body, record, lock
				t.Errorf("left behind: %v", files)
			}
		})
	}
}

func TestOnceInALife(t *testing.T) {
	url, requests := server(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") })
	f := fetcher(t, Options{Mirror: url})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got, err := get(t, f, address); got != "x" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	group.Wait()
	if n := requests.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestFailOnceInALife: a document that cannot be had is waited for once, which
// is reported; a caller who went away does not decide for others.
func TestFailOnceInALife(t *testing.T) {
	url, requests := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	var told []string
	f := fetcher(t, Options{Mirror: url, Retries: 2, Progress: func(p assay.Progress) { told = append(told, fmt.Sprint(p.Task, " ", p.End)) }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Get(ctx, address); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	told = nil
	requests.Store(0)
	for range 3 {
		if _, err := get(t, f, address); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("%v", err)
		}
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("asked %d times", n)
	}
	again := "trying again: " + address
	if d := cmp.Diff([]string{again + " false", again + " false", again + " true"}, told); d != "" {
		t.Error(d)
	}
}

func TestAge(t *testing.T) {
	url, requests := server(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") })
	dir := t.TempDir()
	for _, o := range []Options{{}, {MaxAge: time.Hour}, {Offline: true}, {MaxAge: time.Nanosecond}} {
		o.Dir, o.Mirror = dir, url
		if got, err := get(t, fetcher(t, o), address); got != "x" || err != nil {
			t.Errorf("%+v: %q, %v", o, got, err)
		}
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	_, err := get(t, fetcher(t, Options{Offline: true}), address)
	if err == nil || errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), address) {
		t.Errorf("offline without a copy: %v", err)
	}
}

func TestFailures(t *testing.T) {
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			io.WriteString(w, "words")
		}
	}
	for _, tt := range []struct {
		name     string
		handler  http.HandlerFunc
		want     error
		text     string
		requests int32
	}{
		{"not there", status(404), assay.ErrNotFound, "", 1},
		{"gone", status(410), assay.ErrNotFound, "", 1},
		{"not allowed", status(403), assay.ErrUnauthorized, "403", 1},
		{"who are you", status(401), assay.ErrUnauthorized, "401", 1},
		{"teapot", status(418), nil, "418", 1},
		{"out of order", status(503), nil, "503", 3},
		{"too many", status(429, "Retry-After", "0"), nil, "429", 3},
		{"wait for days", status(429, "Retry-After", "400000"), nil, "429", 1},
		{"wait until a date", status(503, "Retry-After", "Mon, 02 Jan 2300 00:00:00 GMT"), nil, "503", 1},
		{"not changed since nothing", status(304), nil, "304", 1},
		{"part of nothing", status(206), nil, "206", 3},
		{"too long", status(200, "Content-Length", "101"), assay.ErrTooLarge, "", 1},
		{"too long without a word", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, strings.Repeat("x", 101))
		}, assay.ErrTooLarge, "", 1},
		{"packed unasked", status(200, "Content-Encoding", "br"), assay.ErrUnsupported, "br", 1},
		{"redirects for ever", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) }, nil, "redirected", 6},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "50")
			io.WriteString(w, "words")
		}, io.ErrUnexpectedEOF, "", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, requests := server(t, tt.handler)
			dir := t.TempDir()
			_, err := get(t, fetcher(t, Options{Dir: dir, Mirror: url, Retries: 2, MaxSize: 100}), address)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v, want %v and %q", err, tt.want, tt.text)
			}
			if n := requests.Load(); n != tt.requests {
				t.Errorf("asked %d times, want %d", n, tt.requests)
			}
			_, err = get(t, fetcher(t, Options{Dir: dir, Offline: true}), address)
			if missing := errors.Is(tt.want, assay.ErrNotFound); err == nil || errors.Is(err, assay.ErrNotFound) != missing {
				t.Errorf("then the cache has it: %v", err)
			}
		})
	}
}

func TestPassingFailures(t *testing.T) {
	n := 0
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n < 3 {
			w.WriteHeader(502)
			return
		}
		io.WriteString(w, "at last")
	})
	if got, err := get(t, fetcher(t, Options{Mirror: url}), address); got != "at last" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = get(t, fetcher(t, Options{Mirror: "http://" + l.Addr().String(), Retries: -1}), address)
	if err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "mirror") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestStall(t *testing.T) {
	n := 0
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		switch n++; n {
		case 1: // not even a header
			<-r.Context().Done()
		case 2:
			io.WriteString(w, "01234")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			io.WriteString(w, "0123456789")
		}
	})
	f := fetcher(t, Options{Mirror: url})
	f.stall = 50 * time.Millisecond
	if got, err := get(t, f, address); got != "0123456789" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	n = 0
	f = fetcher(t, Options{Mirror: url, Retries: 1})
	f.stall = 50 * time.Millisecond
	if _, err := get(t, f, address); err == nil || !strings.Contains(err.Error(), "no data received for 50ms") {
		t.Errorf("%v, want that no data was received", err)
	}
}

// ranged serves body and cuts the connection after a part of it, the first cuts
// times.
func ranged(t *testing.T, body *string, tag *string, cuts int) (string, *[]string) {
	var asked []string
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		rec := httptest.NewRecorder()
		if *tag != "" {
			rec.Header().Set("ETag", *tag)
		}
		http.ServeContent(rec, r, "x", time.Time{}, strings.NewReader(*body))
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		b := rec.Body.Bytes()
		if cuts--; cuts >= 0 {
			w.Write(b[:len(b)/2])
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond) // a reset takes away what was not read yet
			panic(http.ErrAbortHandler)
		}
		w.Write(b)
	})
	return url, &asked
}

func TestResume(t *testing.T) {
	body := strings.Repeat("0123456789", 1000)
	t.Run("at once", func(t *testing.T) {
		tag := `"1"`
		url, asked := ranged(t, &body, &tag, 2)
		if got, err := get(t, fetcher(t, Options{Mirror: url}), address); got != body || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if diff := cmp.Diff([]string{"", "bytes=5000-", "bytes=7500-"}, *asked); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("later", func(t *testing.T) {
		tag, dir := `"1"`, t.TempDir()
		url, asked := ranged(t, &body, &tag, 1)
		if _, err := get(t, fetcher(t, Options{Dir: dir, Mirror: url, Retries: -1}), address); err == nil {
			t.Error("a cut document is no error")
		}
		if got, err := get(t, fetcher(t, Options{Dir: dir, Mirror: url}), address); got != body || err != nil || len(*asked) != 2 || (*asked)[1] != "bytes=5000-" {
			t.Errorf("%d bytes, %v, asked for %v", len(got), err, *asked)
		}
	})
	t.Run("another edition", func(t *testing.T) {
		tag, dir, now := `"1"`, t.TempDir(), body
		url, _ := ranged(t, &now, &tag, 1)
		get(t, fetcher(t, Options{Dir: dir, Mirror: url, Retries: -1}), address)
		tag, now = `"2"`, strings.Repeat("abc", 4000)
		if got, err := get(t, fetcher(t, Options{Dir: dir, Mirror: url}), address); got != now || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	t.Run("no tag", func(t *testing.T) {
		tag := ""
		url, asked := ranged(t, &body, &tag, 1)
		if got, err := get(t, fetcher(t, Options{Mirror: url}), address); got != body || err != nil || (*asked)[1] != "" {
			t.Errorf("%d bytes, %v, asked for %v", len(got), err, *asked)
		}
	})
	t.Run("a wrong part", func(t *testing.T) {
		n := 0
		url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"1"`)
			switch n++; n {
			case 1:
				w.Header().Set("Content-Length", "10")
				io.WriteString(w, "01234")
			case 2:
				w.Header().Set("Content-Range", "bytes 3-9/10")
				w.WriteHeader(206)
				io.WriteString(w, "3456789")
			default:
				io.WriteString(w, "0123456789")
			}
		})
		if got, err := get(t, fetcher(t, Options{Mirror: url}), address); got != "0123456789" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestDamagedCache(t *testing.T) {
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "x", time.Time{}, strings.NewReader("whole"))
	})
	dir := t.TempDir()
	for _, harm := range []func(string) error{
		func(p string) error { return os.WriteFile(p, []byte("wholf"), 0o644) },
		func(p string) error { return os.Truncate(p, 1) },
		os.Remove,
		func(string) error { return os.WriteFile(filepath.Join(dir, key(address)+".json"), []byte("{"), 0o644) },
		func(string) error {
			return os.WriteFile(filepath.Join(dir, key(address)+".json"), []byte(`{"etag":"\"1\"","sha256":"../../../../etc/passwd"}`), 0o644)
		},
	} {
		if got, err := get(t, fetcher(t, Options{Dir: dir, Mirror: url}), address); got != "whole" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		bodies, _ := filepath.Glob(filepath.Join(dir, key(address)+".????????????????"))
		if len(bodies) != 1 {
			t.Fatalf("bodies: %v", bodies)
		}
		if err := harm(bodies[0]); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := get(t, fetcher(t, Options{Dir: dir, Mirror: url}), address); got != "whole" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"h.example/a/b.json": "b", "h.example/a/ALSA-2023:0005.json": "c", "h.example/a b/c": "d", "secret": "s"} {
		p := filepath.Join(dir, "mirror", filepath.FromSlash(name))
		os.MkdirAll(filepath.Dir(p), 0o755)
		os.WriteFile(p, []byte(text), 0o644)
	}
	os.WriteFile(filepath.Join(dir, "outside"), []byte("x"), 0o644)
	os.Symlink(filepath.Join(dir, "outside"), filepath.Join(dir, "mirror", "h.example", "link"))
	f := fetcher(t, Options{Mirror: filepath.Join(dir, "mirror"), Hosts: map[string]string{"other.example": filepath.Join(dir, "mirror", "h.example", "a")}})
	for url, want := range map[string]string{
		"https://h.example/a/b.json":              "b",
		"https://h.example/a/ALSA-2023:0005.json": "c",
		"https://h.example/a%20b/c":               "d",
		"https://h.example/x/../a/b.json":         "b",
		"https://other.example/b.json":            "b",
	} {
		if got, err := get(t, f, url); got != want || err != nil {
			t.Errorf("%s: %q, %v", url, got, err)
		}
		if d, err := f.Digest(t.Context(), url); len(d) != 64 || err != nil {
			t.Errorf("%s: digest %q, %v", url, d, err)
		}
	}
	for url, want := range map[string]error{
		"https://h.example/a": assay.ErrNotFound, "https://h.example/none": assay.ErrNotFound, "https://h.example/../../outside": assay.ErrNotFound,
		"https://none.example/a": assay.ErrNotFound, "https://h.example/a/b.json?x=1": assay.ErrNotFound, "ftp://h.example/a": assay.ErrUnsupported, "a/b": assay.ErrUnsupported,
	} {
		if got, err := get(t, f, url); !errors.Is(err, want) || !strings.Contains(err.Error(), url) {
			t.Errorf("%s: %q, %v, want %v", url, got, err, want)
		}
	}
	if got, err := get(t, f, "https://h.example/link"); err == nil {
		t.Errorf("a link out of the folder: %q", got)
	}
	if _, err := New(Options{Mirror: filepath.Join(dir, "none")}); err == nil {
		t.Error("a mirror that is not there")
	}
	if _, err := get(t, fetcher(t, Options{Mirror: filepath.Join(dir, "mirror"), MaxSize: 1}), "https://h.example/a/b.json"); err != nil {
		t.Error(err)
	}
	r, err := f.Get(t.Context(), "https://h.example/a/b.json")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, ok := r.(io.ReaderAt); !ok {
		t.Error("no io.ReaderAt")
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"v3.20/main.json", "v3.3/main.json", "edge/main.json", "last update", "x:y"} {
		p := filepath.Join(dir, "h.example", filepath.FromSlash(n))
		os.MkdirAll(filepath.Dir(p), 0o755)
		os.WriteFile(p, nil, 0o644)
	}
	want := []string{"edge", "last update", "v3.20", "v3.3", "x:y"}
	url, _ := server(t, http.FileServer(http.Dir(dir)).ServeHTTP)
	for name, mirror := range map[string]string{"folder": dir, "server": url} {
		f := fetcher(t, Options{Mirror: mirror})
		got, err := f.List(t.Context(), "https://h.example/")
		if diff := cmp.Diff(drop(want), drop(got)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
		if _, err := f.List(t.Context(), "https://h.example/none/"); !errors.Is(err, assay.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	page := `<a href="../">up</a> <A class=x HREF='v3.1/'>..</A><a href="/abs">a</a><a href="https://x/">b</a><a href="?C=M">c</a><a href="./ok">d</a><a href="ok">e</a>`
	if diff := cmp.Diff([]string{"ok", "v3.1"}, links([]byte(page))); diff != "" {
		t.Error(diff)
	}
}

// drop leaves out names with a colon, which makes a link of another kind.
func drop(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.Contains(n, ":") })
}

func TestProgressAndCancel(t *testing.T) {
	release := make(chan struct{})
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "01234")
		w.(http.Flusher).Flush()
		select {
		case <-release:
			io.WriteString(w, "56789")
		case <-r.Context().Done():
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	f := fetcher(t, Options{Mirror: url, Progress: func(p assay.Progress) {
		if p.Done == 5 {
			cancel()
		}
	}})
	if _, err := f.Get(ctx, address); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	close(release)
	var seen []string
	f = fetcher(t, Options{Mirror: url, Progress: func(p assay.Progress) {
		seen = append(seen, fmt.Sprint(p.Task == address, p.Done, p.Total, p.End))
	}})
	if got, err := get(t, f, address); got != "0123456789" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if n := len(seen); n < 2 || seen[n-1] != "true 10 10 true" {
		t.Errorf("progress: %v", seen)
	}
}

// TestManyFetchers shares a cache between fetchers, while the document changes.
func TestManyFetchers(t *testing.T) {
	var edition atomic.Int32
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		n := edition.Add(1) / 4
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
		http.ServeContent(w, r, "x", time.Time{}, strings.NewReader(strings.Repeat(fmt.Sprint(n, ","), 5000)))
	})
	dir := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				got, err := get(t, fetcher(t, Options{Dir: dir, Mirror: url}), address)
				first, _, _ := strings.Cut(got, ",")
				if err != nil || got != strings.Repeat(first+",", 5000) {
					t.Errorf("%.20q… of %d bytes, %v", got, len(got), err)
				}
			}
		})
	}
	group.Wait()
}

func TestRedirect(t *testing.T) {
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/end") {
			http.Redirect(w, r, "/end", http.StatusFound)
			return
		}
		io.WriteString(w, "end")
	})
	if got, err := get(t, fetcher(t, Options{Mirror: url}), address); got != "end" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	s := httptest.NewUnstartedServer(http.RedirectHandler(url, http.StatusFound))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	_, err := get(t, fetcher(t, Options{Mirror: s.URL, Client: s.Client()}), address)
	if err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("from https to http: %v", err)
	}
	_, err = get(t, fetcher(t, Options{Mirror: s.URL}), address)
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v", err)
	}
}

func FuzzLinks(f *testing.F) {
	f.Add([]byte(`<a href="v3.20/">v3.20/</a>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, n := range links(b) {
			if n == "" || n == ".." || strings.ContainsAny(n, "/\\") {
				t.Errorf("%q", n)
			}
		}
	})
}

// TestKeeper: an edition is got once in the cache's life, another anew, and
// what is held can be read without asking.
func TestKeeper(t *testing.T) {
	n := 0
	url, requests := server(t, func(w http.ResponseWriter, _ *http.Request) { n++; fmt.Fprint(w, "answer ", n) })
	dir := t.TempDir()
	edition := func(word string) string {
		t.Helper()
		r, err := fetcher(t, Options{Dir: dir, Mirror: url}).GetVersion(t.Context(), address, word)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		b, _ := io.ReadAll(r)
		return string(b)
	}
	held := func(o Options) (string, error) {
		o.Dir = dir
		r, err := fetcher(t, o).Cached(t.Context(), address)
		if err != nil {
			return "", err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		return string(b), err
	}
	if got, err := held(Options{Mirror: url}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("held before it was got: %q, %v", got, err)
	}
	for _, tt := range []struct{ word, want string }{{"2026-01-01", "answer 1"}, {"2026-01-01", "answer 1"}, {"2026-01-02", "answer 2"}} {
		if got := edition(tt.word); got != tt.want {
			t.Errorf("edition %s: %q, want %q", tt.word, got, tt.want)
		}
	}
	if got, err := held(Options{Mirror: url}); got != "answer 2" || err != nil {
		t.Errorf("held: %q, %v", got, err)
	}
	if requests.Load() != 2 {
		t.Errorf("asked %d times", requests.Load())
	}
	if got, err := held(Options{Mirror: t.TempDir()}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("held beside a folder: %q, %v", got, err)
	}
}

// TestGone: the last body of a document that its publisher dropped is held for
// the one who finds that out, and then no more.
func TestGone(t *testing.T) {
	there := true
	url, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		if !there {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		io.WriteString(w, "body")
	})
	dir := t.TempDir()
	for i, want := range []struct{ get, held bool }{{true, true}, {false, true}, {false, false}} {
		there = i == 0
		f := fetcher(t, Options{Dir: dir, Mirror: url})
		if _, err := get(t, f, address); (err == nil) != want.get {
			t.Errorf("round %d: %v", i, err)
		}
		r, err := f.Cached(t.Context(), address)
		if (err == nil) != want.held {
			t.Errorf("round %d: held: %v", i, err)
		}
		if err == nil {
			r.Close()
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 { // record, lock
		t.Errorf("left behind: %v", files)
	}
}
