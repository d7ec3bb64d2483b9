//go:build !unix

package dir

import "io/fs"

// owner returns the owner of a file on systems that report it as Unix does.
func owner(fs.FileInfo) (uid, gid int64, ok bool) { return 0, 0, false }
