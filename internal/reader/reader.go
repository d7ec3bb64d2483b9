// Package reader is the list of file readers.
package reader

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/alpm"
	"github.com/assaysec/assay/internal/reader/apk"
	"github.com/assaysec/assay/internal/reader/dpkg"
	"github.com/assaysec/assay/internal/reader/opkg"
	"github.com/assaysec/assay/internal/reader/osrelease"
	"github.com/assaysec/assay/internal/reader/rpm"
)

// All lists the readers, in the order in which files are offered to them.
func All() []assay.Reader {
	return []assay.Reader{osrelease.Reader{}, dpkg.Reader{}, apk.Reader{}, rpm.Reader{}, alpm.Reader{}, opkg.Reader{}}
}
