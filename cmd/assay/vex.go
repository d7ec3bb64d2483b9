package main

import (
	"context"
	"slices"

	"github.com/assaysec/assay/scan"
	"github.com/spf13/pflag"
)

// vexOptions are the flags about documents that say what is not affected.
type vexOptions struct {
	sources    []string
	key        string
	skipUpdate bool
	config     string // of repositories; "" means below the user's configuration directory
}

func (o *vexOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.sources, "vex", nil, "suppress findings by VEX documents (OpenVEX, CSAF, CycloneDX): a `FILE` or a directory of them, repo (see assay vex repo), oci (attached to the image in its registry), sbom-ref (that a scanned CycloneDX names); may be repeated")
	f.StringVar(&o.key, "vex-key", "", "`FILE` with the public key (cosign's) that must have signed what --vex oci finds")
	f.BoolVar(&o.skipUpdate, "skip-vex-repo-update", false, "use VEX repositories as they are here, and fetch nothing")
	o.configFlag(f)
}

func (o *vexOptions) configFlag(f *pflag.FlagSet) {
	f.StringVar(&o.config, "vex-config", "", "`FILE` with the VEX repositories (default assay/vex/repository.yaml in the user's configuration directory, else Aqua's VEX Hub)")
}

// open reads the documents, and brings copies of repositories up to date. It is
// nil where none is named.
func (o *vexOptions) open(ctx context.Context, g *global, t target, from scan.FetchOptions, offline bool) (*scan.VEX, error) {
	v := scan.VEXOptions{Sources: o.sources, Target: t.kind, Key: o.key, Config: o.config, SkipUpdate: o.skipUpdate, CacheDir: g.cacheDir, Fetch: from, Registry: t.registry}
	if err := v.Check(); err != nil || len(o.sources) == 0 {
		return nil, err
	}
	v.SkipUpdate = o.skipUpdate || offline && slices.Contains(o.sources, scan.VEXRepositories)
	return scan.OpenVEX(ctx, v)
}
