package policy

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestContract(t *testing.T) {
	p, err := Compile(t.Context(), "p.rego", []byte("package trivy\nignore if input.PkgName == \"openssl\"\nreason := \"why\"\n"), trivy)
	if err != nil {
		t.Fatal(err)
	}
	contract.Suppressor(t, p, report)
}
