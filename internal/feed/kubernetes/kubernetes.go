// Package kubernetes reads the vulnerabilities of the parts of Kubernetes, as
// records of package osv: https://github.com/kubernetes-sigs/cve-feed-osv
//
// Not taken: the official feed of https://kubernetes.io/docs/reference/issues-security/official-cve-feed/,
// of which those records are made; its versions are prose.
package kubernetes

import (
	"context"
	"errors"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the main branch of the database, Copy OSV's copy, for where only
// that is mirrored.
const (
	Document = "https://github.com/kubernetes-sigs/cve-feed-osv/archive/refs/heads/main.tar.gz"
	Copy     = "https://osv-vulnerabilities.storage.googleapis.com/Kubernetes/all.zip"
)

// Feed reads the archive.
type Feed struct{}

// Name is "kubernetes".
func (Feed) Name() string { return "kubernetes" }

// Streams is "kubernetes"; packages are the Go paths of parts: "k8s.io/apiserver".
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
