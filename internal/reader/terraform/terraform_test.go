package terraform

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const lock = `# This file is maintained automatically by "terraform init".
# Manual edits may be lost in future updates.

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.31.0"
  constraints = "~> 5.0"
  hashes = [
    "h1:00=",
    "zh:0f",
  ]
}

provider "registry.opentofu.org/acme/thing" {
  version = "1.0.0-beta1"
}
provider "registry.terraform.io/acme/bare" {
}
provider "registry.terraform.io/acme/one" { version = "1" }
`

func TestLock(t *testing.T) {
	want := []assay.Package{
		{Type: "terraform", Name: "registry.terraform.io/hashicorp/aws", Version: "5.31.0"},
		{Type: "terraform", Name: "registry.opentofu.org/acme/thing", Version: "1.0.0-beta1"},
		{Type: "terraform", Name: "registry.terraform.io/acme/one", Version: "1"},
	}
	facts, err := contract.Read(t, Lock{}, ".terraform.lock.hcl", lock)
	if d := cmp.Diff(want, facts.Packages); d != "" || !errors.Is(err, assay.ErrUnsupported) {
		t.Error(d, err)
	}
	if _, err := contract.Read(t, Lock{}, ".terraform.lock.hcl", "bogus"); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Lock{}, map[string]string{".terraform.lock.hcl": lock})
}

func FuzzLock(f *testing.F) {
	f.Add(lock)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Lock{}, ".terraform.lock.hcl", content) })
}
