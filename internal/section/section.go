// Package section lists the kinds of sections: results besides packages and their
// vulnerabilities.
package section

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/section/files"
)

// Files lists what each layer adds, changes and deletes.
var Files = files.Kind

// A File is an item of Files.
type File = files.File

// What a layer did to a path: the values of File.Change.
const (
	Added   = files.Added
	Changed = files.Changed
	Deleted = files.Deleted
	Opaque  = files.Opaque
)

// All lists the kinds.
func All() []*assay.SectionKind { return []*assay.SectionKind{files.Kind} }
