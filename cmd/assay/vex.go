package main

import (
	"context"

	"github.com/assaysec/assay/scan"
	"github.com/spf13/pflag"
)

// vexOptions are the flags of VEX documents.
type vexOptions struct {
	sources    []string
	key        string
	skipUpdate bool
	config     string // of repositories; "" means the one in the user's configuration directory
}

func (o *vexOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.sources, "vex", nil, "suppress findings by VEX documents: a `FILE` or directory, repo (see assay vex repo), oci (attached to the image), sbom-ref (named in the SBOM); may be repeated")
	f.StringVar(&o.key, "vex-key", "", "`FILE` with the cosign public key that documents of --vex oci must be signed with")
	f.BoolVar(&o.skipUpdate, "skip-vex-repo-update", false, "use cached VEX repositories, and fetch nothing")
	o.configFlag(f)
}

func (o *vexOptions) configFlag(f *pflag.FlagSet) {
	f.StringVar(&o.config, "vex-config", "", "`FILE` with the VEX repositories (default: assay/vex/repository.yaml in the user's configuration directory, or Aqua's VEX Hub)")
}

// open reads the documents and updates the copies of repositories. It returns nil
// without --vex.
func (o *vexOptions) open(ctx context.Context, g *global, t target, from scan.FetchOptions, offline bool) (*scan.VEX, error) {
	v := scan.VEXOptions{Sources: o.sources, Target: t.kind, Key: o.key, Config: o.config, SkipUpdate: o.skipUpdate, Offline: offline, CacheDir: g.cacheDir, Fetch: from, Registry: t.registry}
	if err := v.Check(); err != nil || len(o.sources) == 0 {
		return nil, err
	}
	return scan.OpenVEX(ctx, v)
}
