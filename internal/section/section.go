// Package section is the list of the kinds of results beside packages and their
// vulnerabilities.
package section

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/section/files"
)

// Files lists what each layer holds and deletes.
var Files = files.Kind

// A File is an item of Files.
type File = files.File

// What a layer did to a path, as File.Change says.
const (
	Added   = files.Added
	Changed = files.Changed
	Deleted = files.Deleted
	Opaque  = files.Opaque
)

// All lists the kinds.
func All() []*assay.SectionKind { return []*assay.SectionKind{files.Kind} }
