// Package feed lists the advisory feeds that assay reads.
package feed

import (
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/feed/almalinux"
	"github.com/assaysec/assay/internal/feed/alpine"
	"github.com/assaysec/assay/internal/feed/amazon"
	"github.com/assaysec/assay/internal/feed/arch"
	"github.com/assaysec/assay/internal/feed/azurelinux"
	"github.com/assaysec/assay/internal/feed/bitnami"
	"github.com/assaysec/assay/internal/feed/bottlerocket"
	"github.com/assaysec/assay/internal/feed/chainguard"
	"github.com/assaysec/assay/internal/feed/cpan"
	"github.com/assaysec/assay/internal/feed/cvelist"
	"github.com/assaysec/assay/internal/feed/debian"
	"github.com/assaysec/assay/internal/feed/debianchangelogs"
	"github.com/assaysec/assay/internal/feed/drupal"
	"github.com/assaysec/assay/internal/feed/echo"
	"github.com/assaysec/assay/internal/feed/elixir"
	"github.com/assaysec/assay/internal/feed/eol"
	"github.com/assaysec/assay/internal/feed/epss"
	"github.com/assaysec/assay/internal/feed/fedora"
	"github.com/assaysec/assay/internal/feed/gentoo"
	"github.com/assaysec/assay/internal/feed/ghsa"
	"github.com/assaysec/assay/internal/feed/glad"
	"github.com/assaysec/assay/internal/feed/govulndb"
	"github.com/assaysec/assay/internal/feed/haskell"
	"github.com/assaysec/assay/internal/feed/homebrew"
	"github.com/assaysec/assay/internal/feed/julia"
	"github.com/assaysec/assay/internal/feed/kev"
	"github.com/assaysec/assay/internal/feed/kubernetes"
	"github.com/assaysec/assay/internal/feed/mavenindex"
	"github.com/assaysec/assay/internal/feed/minimos"
	"github.com/assaysec/assay/internal/feed/nodecore"
	"github.com/assaysec/assay/internal/feed/nvd"
	"github.com/assaysec/assay/internal/feed/openeuler"
	"github.com/assaysec/assay/internal/feed/oracle"
	"github.com/assaysec/assay/internal/feed/osv"
	"github.com/assaysec/assay/internal/feed/photon"
	"github.com/assaysec/assay/internal/feed/phpsec"
	"github.com/assaysec/assay/internal/feed/pysec"
	"github.com/assaysec/assay/internal/feed/r"
	"github.com/assaysec/assay/internal/feed/redhat"
	"github.com/assaysec/assay/internal/feed/retirejs"
	"github.com/assaysec/assay/internal/feed/rocky"
	"github.com/assaysec/assay/internal/feed/rootio"
	"github.com/assaysec/assay/internal/feed/rubysec"
	"github.com/assaysec/assay/internal/feed/rustsec"
	"github.com/assaysec/assay/internal/feed/seal"
	"github.com/assaysec/assay/internal/feed/secureos"
	"github.com/assaysec/assay/internal/feed/suse"
	"github.com/assaysec/assay/internal/feed/ubuntu"
	"github.com/assaysec/assay/internal/feed/vexhub"
	"github.com/assaysec/assay/internal/feed/vulnrichment"
	"github.com/assaysec/assay/internal/feed/wolfi"
)

// All lists the feeds that a database update reads, in this order:
// distributions, ecosystems, details of vulnerabilities (the first feed with a
// text gives it), releases.
func All() []assay.Feed {
	return []assay.Feed{
		almalinux.Feed{},
		alpine.Feed{},
		amazon.Feed{},
		arch.Feed{},
		azurelinux.Feed{},
		bottlerocket.Feed{},
		chainguard.Feed{},
		debian.Feed{},
		echo.Feed{},
		fedora.Feed{},
		gentoo.Feed{},
		minimos.Feed{},
		openeuler.Feed{},
		oracle.Feed{},
		photon.Feed{},
		redhat.Feed{},
		rocky.Feed{},
		rootio.Feed{},
		seal.Feed{},
		secureos.Feed{},
		suse.Feed{},
		ubuntu.Feed{},
		wolfi.Feed{},

		bitnami.Feed{},
		cpan.Feed{},
		drupal.Feed{},
		elixir.Feed{},
		ghsa.Feed{},
		glad.Feed{},
		govulndb.Feed{},
		haskell.Feed{},
		homebrew.Feed{},
		julia.Feed{},
		kubernetes.Feed{},
		nodecore.Feed{},
		osv.Feed{},
		phpsec.Feed{},
		pysec.Feed{},
		r.Feed{},
		retirejs.Feed{},
		rubysec.Feed{},
		rustsec.Feed{},

		vexhub.Feed{},
		nvd.Feed{},
		cvelist.Feed{},
		vulnrichment.Feed{},
		kev.Feed{},
		epss.Feed{},
		eol.Feed{},
	}
}

// MavenIndex is the feed of coordinates of Java archives; UseRequest.
func MavenIndex() assay.Feed { return mavenindex.Feed{} }

// DebianChangelogs is the feed of Debian fixes derived from changelogs of the
// named packages, or of all; UseRequest.
func DebianChangelogs(packages []string) assay.Feed {
	return debianchangelogs.Feed{Packages: packages}
}

// ForScans lists the feeds that a scan may fetch.
func ForScans() []assay.Feed {
	return slices.DeleteFunc(All(), func(f assay.Feed) bool { return assay.UseOf(f) > assay.UseAlways })
}

// Main returns the feed without which the advisories of a stream are incomplete: OSV's
// for the registries that it has, for it collects what the others publish; otherwise the
// only feed that a scan may fetch. "" if there is none.
func Main(s assay.Stream) string {
	var main []string
	for _, f := range ForScans() {
		if slices.ContainsFunc(f.Streams(), func(p assay.Stream) bool { return p.Covers(s) }) {
			if f.Name() == (osv.Feed{}).Name() {
				return f.Name()
			}
			main = append(main, f.Name())
		}
	}
	if len(main) != 1 {
		return ""
	}
	return main[0]
}

// MissingMain returns the main feed of a shard's stream if the shard was built without
// it; "" if it is complete. Another scanner's database is complete in itself.
func MissingMain(shard *assay.Shard) string {
	main := Main(shard.Stream)
	for _, f := range shard.Feeds {
		isOwn := slices.ContainsFunc(All(), func(g assay.Feed) bool { return g.Name() == f.Feed })
		if f.Feed == main || !isOwn {
			return ""
		}
	}
	return main
}
