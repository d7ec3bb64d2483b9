package mavenindex

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// doc is a document: fields by name, in any order.
type doc map[string]string

func sum(c string) string { return strings.Repeat(c, 40) }

// index writes an index as Maven's indexer does.
func index(made int64, docs ...doc) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte{1})
	binary.Write(z, binary.BigEndian, made)
	for _, d := range docs {
		binary.Write(z, binary.BigEndian, uint32(len(d)))
		for _, name := range []string{"u", "i", "1", "n", "DESCRIPTOR", "del"} {
			v, ok := d[name]
			if !ok {
				continue
			}
			z.Write([]byte{7})
			binary.Write(z, binary.BigEndian, uint16(len(name)))
			io.WriteString(z, name)
			binary.Write(z, binary.BigEndian, uint32(len(v)))
			io.WriteString(z, v)
		}
	}
	z.Close()
	return b.Bytes()
}

var whole = index(1000, doc{"DESCRIPTOR": "NexusIndex"},
	doc{"u": "org.x|core|1.0|NA", "i": "jar|1|2", "1": sum("a"), "n": "Core"},
	doc{"u": "org.x|core|1.0|sources|jar", "1": sum("b")},
	doc{"u": "org.x|core|1.0|all|jar", "1": sum("c")},
	doc{"u": "org.x|core|1.0|NA|pom", "1": sum("d")},
	doc{"u": "org.x|web|2.0|NA|war", "1": sum("E")},
	doc{"u": "org.x|old|1.0|NA|jar"},
	doc{"u": "org.x", "1": sum("f")},
	doc{"u": "org.x|bad|1|NA|jar", "1": sum("x")},
	doc{"del": "org.x|gone|1.0|NA"})

// sink is Records, with artifacts.
type sink struct {
	contract.Records
	artifacts []string
}

func (s *sink) Artifact(a assay.Artifact) error {
	s.artifacts = append(s.artifacts, fmt.Sprintf("%.1x %s %s", a.SHA1, a.Name, a.Version))
	return nil
}

// keeper keeps what it was asked for.
type keeper struct {
	contract.Documents
	held map[string][]byte
	got  []string
}

func (k *keeper) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	k.got = append(k.got, strings.TrimPrefix(url, Directory))
	return k.Documents.Get(ctx, url)
}

func (k *keeper) GetVersion(ctx context.Context, url, _ string) (io.ReadCloser, error) {
	return k.Get(ctx, url)
}

func (k *keeper) Cached(ctx context.Context, url string) (io.ReadCloser, error) {
	return contract.Documents(k.held).Get(ctx, url)
}

func TestFetch(t *testing.T) {
	var s sink
	if err := (Feed{}).Fetch(t.Context(), contract.Documents{Whole: whole}, nil, &s); err != nil {
		t.Fatal(err)
	}
	if want := []string{"aa org.x:core 1.0", "cc org.x:core 1.0", "ee org.x:web 2.0"}; !slices.Equal(s.artifacts, want) {
		t.Errorf("%q, want %q", s.artifacts, want)
	}
	if got := fmt.Sprint(s.Reasons()); got != "map[malformed coordinates:1 no SHA-1:2 not an archive of code:2]" {
		t.Error(got)
	}
	if err := (Feed{}).Fetch(t.Context(), contract.Documents{Whole: whole}, nil, struct{ assay.Sink }{&contract.Records{}}); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("the sink accepts no artifacts: %v", err)
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Whole: whole}, Wanted: assay.StreamArtifacts})
}

// TestParts: of an index that is held only the parts that came since are got.
func TestParts(t *testing.T) {
	part := func(made int64, name string) []byte {
		return index(made, doc{"u": "org.x|" + name + "|1|NA|jar", "1": sum("0")})
	}
	docs := contract.Documents{
		Properties: []byte("#comment\nnexus.index.last-incremental=12\nnexus.index.incremental-0=12\nnexus.index.incremental-1=11\nnexus.index.incremental-2=10\n"),
		Whole:      index(3000, doc{"u": "org.x|today|1|NA|jar", "1": sum("0")}),
		Directory + "nexus-maven-repository-index.12.gz": part(3000, "twelve"),
		Directory + "nexus-maven-repository-index.11.gz": part(2000, "eleven"),
		Directory + "nexus-maven-repository-index.10.gz": part(1000, "ten"),
	}
	for _, tt := range []struct {
		name string
		held int64 // 0: none
		want []string
	}{
		{"nothing is held", 0, []string{"today"}},
		{"two weeks old", 1000, []string{"held", "eleven", "twelve"}},
		{"current", 3000, []string{"held"}},
		{"older than the parts", 500, []string{"today"}},
	} {
		k := &keeper{Documents: docs, held: map[string][]byte{}}
		if tt.held > 0 {
			k.held[Whole] = part(tt.held, "held")
		}
		var s sink
		if err := (Feed{}).Fetch(t.Context(), k, nil, &s); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range s.artifacts {
			got = append(got, strings.Split(strings.TrimPrefix(a, "00 org.x:"), " ")[0])
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v (asked for %v)", tt.name, got, tt.want, k.got)
		}
	}
}

func TestBroken(t *testing.T) {
	raw := func(b ...byte) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		z.Write(b)
		z.Close()
		return out.Bytes()
	}
	head := []byte{1, 0, 0, 0, 0, 0, 0, 0, 0}
	for name, tt := range map[string]struct {
		in  []byte
		err error
	}{
		"nothing":           {nil, assay.ErrMalformed},
		"no documents":      {raw(head...), assay.ErrMalformed},
		"another version":   {raw(9, 0, 0, 0, 0, 0, 0, 0, 0), assay.ErrUnsupported},
		"cut":               {whole[:len(whole)/2], assay.ErrMalformed},
		"cut in a document": {raw(append(slices.Clone(head), 0, 0, 0, 2, 7, 0)...), assay.ErrMalformed},
		"too many fields":   {raw(append(slices.Clone(head), 255, 255, 255, 255)...), assay.ErrMalformed},
		"a huge field":      {raw(append(slices.Clone(head), 0, 0, 0, 1, 7, 0, 1, 'u', 127, 0, 0, 0)...), assay.ErrTooLarge},
	} {
		err := (Feed{}).Fetch(t.Context(), contract.Documents{Whole: tt.in}, nil, &sink{})
		if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), Whole) {
			t.Errorf("%s: %v, want %v of the document", name, err, tt.err)
		}
	}
	if err := (Feed{}).Fetch(t.Context(), contract.Documents{}, nil, &sink{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("no index: %v", err)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(whole)
	f.Fuzz(func(t *testing.T, b []byte) {
		(Feed{}).Fetch(t.Context(), contract.Documents{Whole: b}, nil, &sink{})
	})
}
