// Package kubernetes reads the vulnerabilities of Kubernetes components, as
// records of package osv: https://github.com/kubernetes-sigs/cve-feed-osv
//
// The official feed of
// https://kubernetes.io/docs/reference/issues-security/official-cve-feed/, the
// source of these records, is not read, because its versions are prose.
package kubernetes

import (
	"context"
	"errors"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the main branch of the database. Copy is OSV's copy, for mirrors
// that have only that.
const (
	Document = "https://github.com/kubernetes-sigs/cve-feed-osv/archive/refs/heads/main.tar.gz"
	Copy     = "https://osv-vulnerabilities.storage.googleapis.com/Kubernetes/all.zip"
)

// Feed reads the archive.
type Feed struct{}

// Name is "kubernetes".
func (Feed) Name() string { return "kubernetes" }

// Streams is "kubernetes"; packages are the Go paths of components:
// "k8s.io/apiserver".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"kubernetes"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	p := osv.Publisher{Feed: f.Name(), Page: "https://www.cve.org/CVERecord?id=", Wanted: osv.Wants(wanted, f.Streams())}
	err := p.Fetch(ctx, g, Document, s)
	if errors.Is(err, assay.ErrNotFound) {
		err = p.Fetch(ctx, g, Copy, s)
	}
	return err
}
