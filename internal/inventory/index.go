package inventory

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
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
)

const (
	bitKind = bitFile | bitDir | bitLink
	bitHide = bitFile | bitLink | bitWhiteout | bitOpaque // of a directory: hides what lower layers have in it
	kindLen = 6
)

// An index says what a layer does to any path, in eight bytes an entry, because a
// million files must not cost a gigabyte. Each element is a hash of a path with the
// bits above in its lowest six; sorted. The hash is cut from SHA-256, so that nobody
// can make a file that hides another by chance.
type index []uint64

// A pathHash identifies a path in an index; its lowest kindLen bits are zero.
type pathHash uint64

func hashPath(path string) pathHash { return hashes(path)[0] }

// under returns the hash of name in the directory with hash h; 0 is the root. So the
// hashes of a path and of all its parents cost time linear in the path.
func (h pathHash) under(name string) pathHash {
	var room [264]byte // names have up to 255 bytes
	b := append(binary.LittleEndian.AppendUint64(room[:0], uint64(h)), name...)
	sum := sha256.Sum256(b)
	return pathHash(binary.LittleEndian.Uint64(sum[:8]) &^ (1<<kindLen - 1))
}

// get returns the bits of a path.
func (x index) get(h pathHash) uint64 {
	i, _ := slices.BinarySearch(x, uint64(h))
	if i < len(x) && x[i]&^(1<<kindLen-1) == uint64(h) {
		return x[i] & (1<<kindLen - 1)
	}
	return 0
}

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
	x := make(index, 0, len(b.bits))
	for h, bits := range b.bits {
		x = append(x, uint64(h)|uint64(bits))
	}
	slices.Sort(x)
	return x
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
