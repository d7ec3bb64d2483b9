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
	bitWhiteout             // what lower layers have there is gone
	bitOpaque               // what lower layers have below it is gone
	bitParent               // something in the layer is below it
)

const (
	bitKind = bitFile | bitDir | bitLink
	bitHide = bitFile | bitLink | bitWhiteout | bitOpaque // of a directory: hides what lower layers have in it
	kindLen = 6
)

// An index tells what a layer does to any path, in eight bytes an entry: a
// million files must not cost a gigabyte. Each element is a digest of a path
// with the bits above in its lowest six; sorted. The digest is cut from
// SHA-256, so that nobody can make a file that hides another by chance.
type index []uint64

// A pathHash identifies a path in an index; its lowest kindLen bits are zero.
type pathHash uint64

func hashPath(path string) pathHash {
	sum := sha256.Sum256([]byte(path))
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

// An indexBuilder collects an index while a layer is read.
type indexBuilder map[pathHash]uint8

// add notes bits of a path; the last kind of entry wins, as when unpacking.
func (b indexBuilder) add(path string, bits uint8) {
	h := hashPath(path)
	if bits&bitKind != 0 {
		b[h] &^= bitKind
	}
	b[h] |= bits
}

// addParents notes the folders above an entry, up to one that is known.
func (b indexBuilder) addParents(dir string) {
	for ; dir != ""; dir, _ = split(dir) {
		h := hashPath(dir)
		if b[h]&bitParent != 0 {
			return
		}
		b[h] |= bitParent
	}
}

func (b indexBuilder) index() index {
	x := make(index, 0, len(b))
	for h, bits := range b {
		x = append(x, uint64(h)|uint64(bits))
	}
	slices.Sort(x)
	return x
}

// hashes returns those of path and of its parents, the path itself first.
func hashes(path string) []pathHash {
	hs := make([]pathHash, 0, 8)
	for {
		hs = append(hs, hashPath(path))
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return hs
		}
		path = path[:i]
	}
}
