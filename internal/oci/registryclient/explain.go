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

// An explanation gives people a text in place of that of causes: what registries
// answer, and what package transport makes of it, is written for programs.
type explanation struct {
	text   string
	causes []error
}

func (e *explanation) Error() string   { return e.text }
func (e *explanation) Unwrap() []error { return e.causes }

func explained(text string, causes ...error) error { return &explanation{text, causes} }

// Explain says what an error means that occurred while ref was used, and what the
// user can do about it. The error stays in the chain.
func Explain(err error, ref name.Reference, o assay.SourceOptions) error {
	host := ref.Context().RegistryStr()
	var (
		known  *explanation
		answer *transport.Error
	)
	if errors.As(err, &known) {
		return fmt.Errorf("%s: %w", ref, err)
	}
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return explained(fmt.Sprintf("%s: access denied by %s (HTTP %d), or the repository does not exist: %s", ref, host, answer.StatusCode, nextStep(host, o)), err, assay.ErrUnauthorized)
		case http.StatusNotFound:
			return explained(missing(answer, ref), err, assay.ErrNotFound)
		case http.StatusTooManyRequests:
			return explained(fmt.Sprintf("%s: rate limit reached while reading %s; wait, log in with `docker login %s`, or use a mirror", host, ref, host), err)
		}
	}
	return fmt.Errorf("%s: %w", ref, explainBlob(err, host))
}

// missing says what the registry does not have: the repository, the tag or the
// manifest.
func missing(answer *transport.Error, ref name.Reference) string {
	repo := ref.Context()
	for _, d := range answer.Errors {
		if d.Code == transport.NameUnknownErrorCode {
			return fmt.Sprintf("%s has no repository %s", repo.RegistryStr(), repo.RepositoryStr())
		}
	}
	if tag, ok := ref.(name.Tag); ok {
		return fmt.Sprintf("%s has no tag %s", repo.Name(), tag.TagStr())
	}
	return fmt.Sprintf("%s has no manifest %s", repo.Name(), ref.Identifier())
}

func nextStep(host string, o assay.SourceOptions) string {
	if o.Username != "" || o.RegistryToken != "" {
		return "check --username and --password, or --registry-token"
	}
	return fmt.Sprintf("run `docker login %s`, or set --username and --password", host)
}

// explainBlob says what an error means, without the name of the image.
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
		return explained(fmt.Sprintf("missing from registry %s", host), err, assay.ErrNotFound)
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return explained(fmt.Sprintf("access denied by registry %s (HTTP %d)", host, answer.StatusCode), err, assay.ErrUnauthorized)
	case errors.As(err, &answer) && answer.StatusCode == http.StatusTooManyRequests:
		return explained(fmt.Sprintf("%s: rate limit reached; wait, log in with `docker login %s`, or use a mirror", host, host), err)
	case errors.As(err, &authority):
		return fmt.Errorf("the certificate of %s is signed by an unknown authority: add the authority with --cacert FILE, or skip the check with --insecure: %w", host, err)
	case errors.As(err, &hostname), errors.As(err, &invalid):
		return fmt.Errorf("the certificate of %s is invalid: replace it, or skip the check with --insecure: %w", host, err)
	case errors.Is(err, errPlain), errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s does not support HTTPS: allow plain HTTP with --insecure: %w", host, err)
	case errors.As(err, &dns):
		return explained(fmt.Sprintf("unknown host %s, or no network: check the name and the network: %v", host, err), err, assay.ErrNotFound)
	case errors.As(err, &op) && op.Op == "dial":
		return explained(fmt.Sprintf("no connection to %s: check that the registry runs and that the network reaches it: %v", host, err), err, assay.ErrNotFound)
	}
	return err
}
