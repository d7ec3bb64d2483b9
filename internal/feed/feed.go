// Package feed lists the advisory feeds that assay reads.
package feed

import (
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/feed/almalinux"
	"github.com/assaysec/assay/internal/feed/alpine"
	"github.com/assaysec/assay/internal/feed/chainguard"
	"github.com/assaysec/assay/internal/feed/debian"
	"github.com/assaysec/assay/internal/feed/debianchangelogs"
	"github.com/assaysec/assay/internal/feed/eol"
	"github.com/assaysec/assay/internal/feed/epss"
	"github.com/assaysec/assay/internal/feed/kev"
	"github.com/assaysec/assay/internal/feed/mavenindex"
	"github.com/assaysec/assay/internal/feed/nvd"
	"github.com/assaysec/assay/internal/feed/vulnrichment"
	"github.com/assaysec/assay/internal/feed/wolfi"
)

// All lists the feeds: distributions first, then what is known of
// vulnerabilities themselves, in the order in which the first word counts, and
// of the distributions.
func All() []assay.Feed {
	return []assay.Feed{
		almalinux.Feed{},
		alpine.Feed{},
		chainguard.Feed{},
		debian.Feed{},
		wolfi.Feed{},
		nvd.Feed{},
		vulnrichment.Feed{},
		kev.Feed{},
		epss.Feed{},
		eol.Feed{},
	}
}

// MavenIndex tells the coordinates of Java archives; it is read only when asked
// for, because its document has several gigabytes.
func MavenIndex() assay.Feed { return mavenindex.Feed{} }

// DebianChangelogs derives Debian's fixes from packages, all or those named; it
// is read only when asked for, because what it says is a guess, and it gets
// every package.
func DebianChangelogs(packages []string) assay.Feed {
	return debianchangelogs.Feed{Packages: packages}
}

// ForScans lists the feeds that a scan asks by itself: all but those that have
// no documents smaller than the whole of what they know, which is too much to
// get for one image (vulnrichment, some 400 MB in 2026).
func ForScans() []assay.Feed {
	return slices.DeleteFunc(All(), func(f assay.Feed) bool { return f == assay.Feed(vulnrichment.Feed{}) })
}
