package inventory

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sort"
	"strings"
)

// What a layer does to a path. The first three exclude each other.
const (
	bitFile     = 1 << iota // a file, device or hard link is there
	bitDir                  // a directory is there
	bitLink                 // a symbolic link is there
	bitWhiteout             // deletes what lower layers have there
	bitOpaque               // deletes what lower layers have below it
	bitParent               // the layer has something below it
	bitLate                 // it had so before it had an entry there
)

const (
	bitKind = bitFile | bitDir | bitLink
	bitHide = bitFile | bitLink | bitWhiteout | bitOpaque // of a directory: hides what lower layers have in it
)

// An index says what a layer does to any path, in 17 bytes an entry, because a million
// files must not cost a gigabyte. Paths are known by their hashes alone: half of a
// SHA-256, so that nobody can find two paths with one hash.
type index struct {
	Hashes []byte // hashLen bytes of each path, sorted
	Bits   []byte // of each path
}

const hashLen = 16

// A pathHash identifies a path in an index. That of the root is zero.
type pathHash struct{ high, low uint64 }

func hashPath(path string) pathHash { return hashes(path)[0] }

// under returns the hash of name in the directory with hash h. So the hashes of a path
// and of all its parents cost time linear in the path.
func (h pathHash) under(name string) pathHash {
	var room [272]byte // names have up to 255 bytes
	b := binary.BigEndian.AppendUint64(room[:0], h.high)
	b = append(binary.BigEndian.AppendUint64(b, h.low), name...)
	sum := sha256.Sum256(b)
	return pathHash{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
}

// get returns the bits of a path.
func (x *index) get(h pathHash) uint8 {
	i, found := sort.Find(len(x.Bits), func(i int) int {
		at := x.hash(i)
		return cmp.Or(cmp.Compare(h.high, at.high), cmp.Compare(h.low, at.low))
	})
	if !found {
		return 0
	}
	return x.Bits[i]
}

// hash returns the hash of an element.
func (x *index) hash(i int) pathHash {
	b := x.Hashes[i*hashLen:]
	return pathHash{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// valid reports whether an index from the cache is one.
func (x *index) valid() bool { return len(x.Hashes) == hashLen*len(x.Bits) }

// An indexBuilder builds an index while a layer is read.
type indexBuilder struct {
	bits map[pathHash]uint8
	dir  string     // the directory of the last path
	up   []pathHash // of it and of its parents, itself first
}

func newIndexBuilder() indexBuilder { return indexBuilder{bits: map[pathHash]uint8{}} }

// enter makes dir the directory of the next paths.
func (b *indexBuilder) enter(dir string) {
	if dir != b.dir {
		b.dir, b.up = dir, hashes(dir)
	}
}

// add records bits of a path; the last kind of entry wins, as in unpacking. It returns
// the path's previous bits.
func (b *indexBuilder) add(path string, bits uint8) (before uint8) {
	dir, base := split(path)
	b.enter(dir)
	var up pathHash
	if dir != "" {
		up = b.up[0]
	}
	h := up.under(base)
	before = b.bits[h]
	if bits&bitKind != 0 {
		if bits&bitDir != 0 && before&(bitFile|bitLink) != 0 { // a new directory
			bits |= bitOpaque
		}
		if before&bitParent != 0 && before&bitKind == 0 {
			bits |= bitLate
		}
		bits |= before &^ bitKind
	} else {
		bits |= before
	}
	b.bits[h] = bits
	return before
}

// has reports whether an entry is recorded at path.
func (b *indexBuilder) has(path string) bool {
	return path != "" && b.bits[hashPath(path)]&bitKind != 0
}

// addParents records the directories above an entry, up to a recorded one.
func (b *indexBuilder) addParents(dir string) {
	if dir == "" {
		return
	}
	b.enter(dir)
	for _, h := range b.up {
		if b.bits[h]&bitParent != 0 {
			return
		}
		b.bits[h] |= bitParent
	}
}

func (b *indexBuilder) index() index {
	all := make([]pathHash, 0, len(b.bits))
	for h := range b.bits {
		all = append(all, h)
	}
	slices.SortFunc(all, func(x, y pathHash) int { return cmp.Or(cmp.Compare(x.high, y.high), cmp.Compare(x.low, y.low)) })
	out := index{make([]byte, 0, hashLen*len(all)), make([]byte, 0, len(all))}
	for _, h := range all {
		out.Hashes = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(out.Hashes, h.high), h.low)
		out.Bits = append(out.Bits, b.bits[h])
	}
	return out
}

// hashes returns the hashes of path and of its parents, the path itself first.
func hashes(path string) []pathHash {
	hs := make([]pathHash, 0, 8)
	var h pathHash
	for name := range strings.SplitSeq(path, "/") {
		h = h.under(name)
		hs = append(hs, h)
	}
	slices.Reverse(hs)
	return hs
}
