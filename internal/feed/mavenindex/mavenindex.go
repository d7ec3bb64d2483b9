// Package mavenindex reads Maven Central's index of all its files. Its digests
// identify Java archives that do not contain their coordinates.
//
// https://repo.maven.apache.org/maven2/.index/ has the whole index and weekly
// parts with what was added. The whole index has several gigabytes, so this feed
// is read only on request.
//
// Format: https://maven.apache.org/maven-indexer/indexer-core/
// (IndexDataReader). An index is compressed with gzip and has a version, a time,
// and documents. A document is a list of fields with texts in Java's modified
// UTF-8. Only documents with coordinates ("u") of a file without classifier, and
// with its SHA-1 ("1"), are used.
package mavenindex

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/record/document"
)

// Directory is the directory of the index; Properties lists its parts.
const (
	Directory  = "https://repo.maven.apache.org/maven2/.index/"
	Properties = Directory + "nexus-maven-repository-index.properties"
	Whole      = Directory + "nexus-maven-repository-index.gz"
)

// Bounds of an index.
const (
	maxProperties = 1 << 20
	maxUnpacked   = 256 << 30 // Central's has some 20 GB (2026)
	maxFields     = 200       // of a document; writers know 20
	maxName       = 1 << 16   // their length has two bytes
	maxText       = 16 << 20  // of a field: the list of an archive's classes
)

// Reasons for leaving documents out.
const (
	whyNoDigest  = "no SHA-1"
	whyBeside    = "not an archive of code"
	whyMalformed = "malformed coordinates"
)

// Feed reads the index.
type Feed struct{}

// Name is "maven-index".
func (Feed) Name() string { return "maven-index" }

// Streams is the stream of artifacts.
func (Feed) Streams() []assay.Stream { return []assay.Stream{assay.StreamArtifacts} }

// Use is UseRequest: the document has several gigabytes.
func (Feed) Use() assay.FeedUse { return assay.UseRequest }

// Fetch implements assay.Feed. With a Keeper it reads the whole index in the
// cache and the weekly parts after it.
func (Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	sink, ok := s.(assay.ArtifactSink)
	if !ok {
		return fmt.Errorf("the sink accepts no artifacts: %w", assay.ErrUnsupported)
	}
	p, err := properties(ctx, g)
	if err != nil {
		return err
	}
	body, parts, err := documents(ctx, g, p)
	if err != nil {
		return err
	}
	r := &reader{ctx: ctx, sink: sink}
	if err := r.read(Whole, body); err != nil {
		return err
	}
	for _, url := range parts {
		body, err := g.Get(ctx, url)
		if err != nil {
			return err
		}
		if err := r.read(url, body); err != nil {
			return err
		}
	}
	if r.documents == 0 {
		return fmt.Errorf("%s: contains no documents: %w", Whole, assay.ErrMalformed)
	}
	return nil
}

// properties reads the list of parts; nil if it is not published.
func properties(ctx context.Context, g assay.Getter) (map[string]string, error) {
	b, err := document.Bytes(ctx, g, Properties, maxProperties)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(k, "#") {
			p[k] = v
		}
	}
	return p, nil
}

// documents chooses what to read: the whole cached index and the parts after it,
// if the publisher still has them all; else today's whole index.
func documents(ctx context.Context, g assay.Getter, p map[string]string) (io.ReadCloser, []string, error) {
	if k, ok := g.(assay.Keeper); ok && p != nil {
		if body, err := k.Cached(ctx, Whole); err == nil {
			made, err := date(body)
			var parts []string
			if err == nil {
				parts, err = partsSince(ctx, g, p, made)
			}
			body.Close()
			if err == nil {
				body, err = k.Cached(ctx, Whole)
				return body, parts, err
			}
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
		}
	}
	if k, ok := g.(assay.Keeper); ok && p != nil { // the properties alone decide whether the index is new
		body, err := k.GetVersion(ctx, Whole, p["nexus.index.timestamp"])
		return body, nil, err
	}
	body, err := g.Get(ctx, Whole)
	return body, nil, err
}

// date is when an index was built, in milliseconds of Unix time.
func date(body io.Reader) (int64, error) {
	z, _, err := compression.Document(body)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	var head [9]byte
	if _, err := io.ReadFull(z, head[:]); err != nil {
		return 0, cut(err)
	}
	return int64(binary.BigEndian.Uint64(head[1:])), nil
}

// maxParts bounds the weekly parts that are read instead of the whole index.
const maxParts = 30

// partsSince lists the parts that were built after a time, oldest first.
func partsSince(ctx context.Context, g assay.Getter, p map[string]string, made int64) (urls []string, err error) {
	published := map[string]bool{}
	for k, v := range p {
		if strings.HasPrefix(k, "nexus.index.incremental-") {
			published[v] = true
		}
	}
	last, err := strconv.Atoi(p["nexus.index.last-incremental"])
	for n := last; err == nil && n > last-maxParts; n-- {
		if !published[strconv.Itoa(n)] {
			break
		}
		url := Directory + "nexus-maven-repository-index." + strconv.Itoa(n) + ".gz"
		body, err := g.Get(ctx, url)
		if err != nil {
			return nil, err
		}
		at, err := date(body)
		body.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", url, err)
		}
		if at <= made {
			slices.Reverse(urls)
			return urls, nil
		}
		urls = append(urls, url)
	}
	return nil, fmt.Errorf("%s: parts published since the cached index: %w", Properties, assay.ErrNotFound)
}

// reader hands over the documents of an index.
type reader struct {
	ctx       context.Context
	sink      assay.ArtifactSink
	documents int
	last      []byte
}

// read reads one index and closes it.
func (r *reader) read(url string, body io.ReadCloser) error {
	defer body.Close()
	z, _, err := compression.Document(body)
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	defer z.Close()
	if err := r.index(bufio.NewReaderSize(limit.Reader(z, maxUnpacked), 256<<10)); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}

func (r *reader) index(in *bufio.Reader) error {
	var head [9]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return cut(err)
	}
	if head[0] != 1 {
		return fmt.Errorf("unsupported index version %d (want 1): %w", head[0], assay.ErrUnsupported)
	}
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		var n [4]byte
		if _, err := io.ReadFull(in, n[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return cut(err)
		}
		fields := binary.BigEndian.Uint32(n[:])
		if fields > maxFields {
			return fmt.Errorf("document of %d fields: %w", fields, assay.ErrMalformed)
		}
		if err := r.document(in, int(fields)); err != nil {
			return err
		}
	}
}

// document reads the fields of a document and hands over its artifact.
func (r *reader) document(in *bufio.Reader, fields int) error {
	var coordinates, digest string
	for range fields {
		var head [3]byte // flags, and the length of the name
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return cut(err)
		}
		name, err := r.text(in, int64(binary.BigEndian.Uint16(head[1:])), maxName)
		if err != nil {
			return err
		}
		wanted := name == "u" || name == "1"
		var n [4]byte
		if _, err := io.ReadFull(in, n[:]); err != nil {
			return cut(err)
		}
		size := int64(binary.BigEndian.Uint32(n[:]))
		if !wanted {
			if size > maxText {
				return fmt.Errorf("field of %d bytes: %w", size, assay.ErrTooLarge)
			}
			if _, err := in.Discard(int(size)); err != nil {
				return cut(err)
			}
			continue
		}
		v, err := r.text(in, size, maxText)
		if err != nil {
			return err
		}
		if name == "u" {
			coordinates = v
		} else {
			digest = v
		}
	}
	r.documents++
	if coordinates == "" {
		return nil // a description of the index, or a deletion: artifacts stay on Central
	}
	return r.artifact(coordinates, digest)
}

// text reads n bytes. Coordinates are ASCII, which modified UTF-8 leaves as is.
func (r *reader) text(in *bufio.Reader, n, max int64) (string, error) {
	if n > max {
		return "", fmt.Errorf("field of %d bytes: %w", n, assay.ErrTooLarge)
	}
	r.last = slices.Grow(r.last[:0], int(n))[:n]
	if _, err := io.ReadFull(in, r.last); err != nil {
		return "", cut(err)
	}
	return string(r.last), nil
}

// archives are the extensions of files with code for Java.
var archives = []string{"jar", "war", "ear", "par", "sar", "nar", "hpi", "jpi", "kar", "rar", "aar"}

// artifact hands over "group|artifact|version|classifier|extension". "NA" means
// no classifier; a missing extension is that of the packaging. Files with other
// classifiers, such as shaded ones, have the coordinates of their artifact.
func (r *reader) artifact(coordinates, digest string) error {
	parts := append(strings.Split(coordinates, "|"), "", "")
	a := assay.Artifact{}
	switch {
	case len(parts) < 6 || parts[0] == "" || parts[1] == "" || parts[2] == "":
		r.sink.Skip(coordinates, whyMalformed)
	case slices.Contains(sideClassifiers, parts[3]) || parts[4] != "" && !slices.Contains(archives, parts[4]):
		r.sink.Skip(coordinates, whyBeside)
	case len(digest) != hex.EncodedLen(len(a.SHA1)):
		r.sink.Skip(coordinates, whyNoDigest)
	default:
		if _, err := hex.Decode(a.SHA1[:], []byte(digest)); err != nil {
			r.sink.Skip(coordinates, whyNoDigest)
			return nil
		}
		a.Name, a.Version = parts[0]+":"+parts[1], parts[2]
		return r.sink.Artifact(a)
	}
	return nil
}

// sideClassifiers are the classifiers of files that accompany an artifact.
var sideClassifiers = []string{"sources", "javadoc", "tests", "test-sources", "test-javadoc"}

func cut(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("truncated: %w: %w", err, assay.ErrMalformed)
	}
	return err
}
