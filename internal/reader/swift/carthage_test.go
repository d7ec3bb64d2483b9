package swift

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

const cart = "github \"O/a\" \"v4.0.0\"\ngit \"https://example.org/b.git\" \"1.0\"\nbinary \"https://example.org/c.json\" \"2.0\"\n"

func TestCarthage(t *testing.T) {
	contract.Manifest(t, Carthage{}, []contract.Project{
		{Name: "lock", File: "Cartfile.resolved", Files: map[string]string{"Cartfile.resolved": cart}, Want: "github.com/O/a@4.0.0, example.org/b@1.0", Gap: "1 package has no version: https://example.org/c.json"},
		{Name: "broken", File: "Cartfile.resolved", Files: map[string]string{"Cartfile.resolved": "what\n"}, Gap: "malformed"},
	})
	const asks = "github \"O/a\" == 4.0.0 # all\ngithub \"O/b\" ~> 1.0\n"
	contract.Manifest(t, Cartfile{}, []contract.Project{
		{Name: "no lock", File: "Cartfile", Files: map[string]string{"Cartfile": asks}, Want: "github.com/O/a@4.0.0", Gap: "no lock file: 1 of 2 requirements allow several versions: github.com/O/b"},
		{Name: "lock", File: "Cartfile", Files: map[string]string{"Cartfile": asks, "Cartfile.resolved": cart}},
	})
}

func FuzzCarthage(f *testing.F) { contract.FuzzManifest(f, Carthage{}, "Cartfile.resolved", cart) }
func FuzzCartfile(f *testing.F) {
	contract.FuzzManifest(f, Cartfile{}, "Cartfile", "github \"O/a\" == 4.0.0\n")
}
