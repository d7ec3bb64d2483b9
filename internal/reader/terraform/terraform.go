// Package terraform reads the lock file of Terraform and OpenTofu.
package terraform

import (
	"context"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxLock: a provider has some fifty hashes of 70 bytes at most.
const maxLock = 16 << 20

// Lock reads .terraform.lock.hcl. A provider's name is its full address,
// "registry.terraform.io/hashicorp/aws".
//
// Format: https://developer.hashicorp.com/terraform/language/files/dependency-lock
type Lock struct{}

func (Lock) Name() string { return "terraform-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/.terraform.lock.hcl", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

var (
	block   = regexp.MustCompile(`^provider\s+"([^"]+)"\s*\{`)
	version = regexp.MustCompile(`^\s*version\s*=\s*"([^"]*)"`)
)

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeTerraform)
	provider, found := "", ""
	end := func() {
		if provider != "" {
			l.Add(provider, found)
		}
		provider, found = "", ""
	}
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxLock)) {
		if err != nil {
			l.Error(err)
			break
		}
		text := strings.TrimSpace(strings.TrimPrefix(line.Text, "\ufeff"))
		if m := block.FindStringSubmatch(text); m != nil {
			end()
			provider = m[1]
			text = text[len(m[0]):]
		}
		if m := version.FindStringSubmatch(text); m != nil && provider != "" {
			found = m[1]
		}
		switch {
		case strings.HasSuffix(text, "}"):
			end()
		case provider == "" && text != "" && text[0] != '#' && !strings.HasPrefix(text, "//"):
			l.Malformed("line %d: not a block of a provider: %.40q", line.N, text)
		}
	}
	end()
	return l.Facts()
}
