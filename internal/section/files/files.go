// Package files lists the files of each layer: what an instruction added, changed and
// deleted, even where a higher layer hides it.
package files

import (
	"context"
	"fmt"

	"github.com/assaysec/assay"
)

// Kind is the kind of section. Its items stay when higher layers rewrite or delete
// their paths.
var Kind = assay.NewSectionKind(assay.SectionKindOf[File]{
	Name:  "files",
	Title: "Files",
	About: "files, directories and links of each layer, and what the layer did to them",

	Streamers: []assay.Streamer{lister{}},
	PerLayer:  complete,
	Columns:   []string{"Change", "Mode", "Owner", "Size", "Link"},
	Row: func(f *File) []string {
		return []string{string(f.Change), f.ModeString(), f.Owner(), fmt.Sprint(f.Size), f.Link}
	},
})

// A Change is what a layer did to a path.
type Change string

// A directory that a lower layer has, too, is changed, whether or not its mode or owner
// differs, as in `docker diff`.
const (
	Added   Change = "added"
	Changed Change = "changed" // a lower layer has an entry at the path
	Deleted Change = "deleted" // by a whiteout
	Opaque  Change = "opaque"  // deletes everything that lower layers have in the directory
)

// A Type is the type of a File.
type Type string

// For a deleted path Type is "", because the layer does not name the type.
const (
	Regular   Type = "file"
	Directory Type = "directory"
	Symlink   Type = "symlink"
	Hardlink  Type = "hardlink"
	Special   Type = "special" // a device, pipe or socket
)

// A File is what a layer did to a path.
type File struct {
	Change Change `json:"change"`
	Type   Type   `json:"type,omitempty"`
	Mode   uint32 `json:"mode"` // permission bits with setuid, setgid and sticky; 0 when deleted
	Size   int64  `json:"size"` // bytes
	UID    int64  `json:"uid"`
	GID    int64  `json:"gid"`
	Link   string `json:"link,omitempty"` // target of a symlink; other path of a hard link

	NoOwner bool `json:"noOwner,omitempty"` // uid and gid are unknown
}

// Owner is "uid:gid"; "" where it is unknown.
func (f *File) Owner() string {
	if f.NoOwner {
		return ""
	}
	return fmt.Sprintf("%d:%d", f.UID, f.GID)
}

// ModeString is the type and mode as ls prints them: "drwxr-xr-t"; "" when deleted.
func (f *File) ModeString() string {
	letters := map[Type]byte{Regular: '-', Directory: 'd', Symlink: 'l', Hardlink: 'h', Special: 's'}
	if letters[f.Type] == 0 {
		return ""
	}
	b := []byte("-rwxrwxrwx")
	b[0] = letters[f.Type]
	for i := range 9 {
		if f.Mode&(1<<(8-i)) == 0 {
			b[i+1] = '-'
		}
	}
	for _, x := range []struct {
		bit       uint32
		at        int
		set, bare byte
	}{{0o4000, 3, 's', 'S'}, {0o2000, 6, 's', 'S'}, {0o1000, 9, 't', 'T'}} {
		switch {
		case f.Mode&x.bit == 0:
		case b[x.at] == 'x':
			b[x.at] = x.set
		default:
			b[x.at] = x.bare
		}
	}
	return string(b)
}

// lister makes an item of every entry.
type lister struct{}

func (lister) Name() string { return "files" }

var types = map[assay.EntryType]Type{assay.EntryFile: Regular, assay.EntryDir: Directory, assay.EntrySymlink: Symlink, assay.EntryHardlink: Hardlink, assay.EntrySpecial: Special}

func (lister) Stream(_ context.Context, h *assay.Header) (facts assay.Facts, _ assay.FileStream) {
	f := &File{Type: types[h.Type], Mode: h.Mode, Size: h.Size, UID: h.UID, GID: h.GID, Link: h.Link, NoOwner: !h.HasOwner}
	switch h.Type {
	case assay.EntryWhiteout:
		f.Change = Deleted
	case assay.EntryOpaque:
		f.Change = Opaque
	}
	facts.Add(Kind, f)
	return facts, nil
}

// complete distinguishes added from changed paths.
func complete(f *File, below bool) {
	switch {
	case f.Change != "":
	case below:
		f.Change = Changed
	default:
		f.Change = Added
	}
}
