package registryclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/assaysec/assay"
)

// Explain says what an error on the way to ref means and what to do about it.
func Explain(err error, ref name.Reference, o assay.SourceOptions) error {
	host := ref.Context().RegistryStr()
	var answer *transport.Error
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%s: %s wants other credentials, or there is no such repository: %s: %w: %w", ref, host, nextStep(host, o), err, assay.ErrUnauthorized)
		case http.StatusNotFound:
			return fmt.Errorf("%s: no %s in repository %s of %s: %w: %w", ref, ref.Identifier(), ref.Context().RepositoryStr(), host, err, assay.ErrNotFound)
		case http.StatusTooManyRequests:
			return fmt.Errorf("%s: %s limits the rate: wait, log in, or use a mirror: %w", ref, host, err)
		}
	}
	return fmt.Errorf("%s: %w", ref, explainBlob(err, host))
}

func nextStep(host string, o assay.SourceOptions) string {
	if o.Username != "" || o.RegistryToken != "" {
		return "check --username and --password, or --registry-token"
	}
	return fmt.Sprintf("run `docker login %s` or give --username and --password", host)
}

// explainBlob says what an error means for which the name does not matter.
func explainBlob(err error, host string) error {
	var (
		answer    *transport.Error
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		dns       *net.DNSError
		op        *net.OpError
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("not in registry %s: %w: %w", host, err, assay.ErrNotFound)
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return fmt.Errorf("refused by registry %s: %w: %w", host, err, assay.ErrUnauthorized)
	case errors.As(err, &authority):
		return fmt.Errorf("%s has a certificate of an unknown authority: give it with --cacert FILE, or trust it blindly with --insecure: %w", host, err)
	case errors.As(err, &hostname), errors.As(err, &invalid):
		return fmt.Errorf("%s has a certificate that does not hold: correct it, or trust it blindly with --insecure: %w", host, err)
	case errors.Is(err, errPlain), errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s does not speak HTTPS: allow plain HTTP with --insecure: %w", host, err)
	case errors.As(err, &dns):
		return fmt.Errorf("%s is not a known host, or there is no network: %w: %w", host, err, assay.ErrNotFound)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("no connection to %s: is it running, is there a network: %w: %w", host, err, assay.ErrNotFound)
	}
	return err
}
