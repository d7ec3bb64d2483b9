package homebrew

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const receipt = `{"homebrew_version": "4.1.0", "installed_as_dependency": false, "installed_on_request": true, "source": {"tap": "homebrew/core", "versions": {"stable": "3.1.4"}}}`

func TestKeg(t *testing.T) {
	dir := t.TempDir()
	keg := filepath.Join(dir, "opt/homebrew/Cellar/openssl@3/3.1.4_1")
	if err := os.MkdirAll(filepath.Join(keg, ".brew"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"INSTALL_RECEIPT.json": receipt, ".brew/openssl@3.rb": "class OpensslAT3 < Formula\n  license \"Apache-2.0\"\nend"} {
		if err := os.WriteFile(filepath.Join(keg, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	facts, errs := contract.ReadDir(t, Keg{}, dir)
	file := "opt/homebrew/Cellar/openssl@3/3.1.4_1/INSTALL_RECEIPT.json"
	want := []assay.Package{{Type: "brew", Name: "openssl@3", Version: "3.1.4_1", Relation: "direct", Licences: []string{"Apache-2.0"}}}
	if d := cmp.Diff(want, facts[file].Packages); d != "" || errs[file] != nil {
		t.Error(d, errs)
	}
	damaged, err := contract.Read(t, Keg{}, "Cellar/a/1/INSTALL_RECEIPT.json", "bogus")
	if len(damaged.Packages) != 1 || !errors.Is(err, assay.ErrMalformed) {
		t.Error(damaged, err)
	}
}

func TestCask(t *testing.T) {
	facts, err := contract.Read(t, Cask{}, "opt/homebrew/Caskroom/firefox/.metadata/120.0/20231121/Casks/firefox.rb", "")
	if d := cmp.Diff([]assay.Package{{Type: "brew", Name: "firefox", Version: "120.0"}}, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	if _, err := contract.Read(t, Cask{}, "Caskroom/x/.metadata/latest/2023/Casks/x.json", "{}"); !errors.Is(err, assay.ErrUnsupported) {
		t.Error(err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Keg{}, map[string]string{"Cellar/a/1/INSTALL_RECEIPT.json": receipt})
	contract.Reader(t, Cask{}, map[string]string{"Caskroom/x/.metadata/1/2023/Casks/x.json": "{}"})
}

func FuzzKeg(f *testing.F) {
	f.Add(receipt)
	f.Fuzz(func(t *testing.T, content string) {
		contract.Read(t, Keg{}, "Cellar/a/1/INSTALL_RECEIPT.json", content)
	})
}

func FuzzCask(f *testing.F) {
	f.Add("Caskroom/x/.metadata/1/2023/Casks/x.json")
	f.Fuzz(func(t *testing.T, path string) { contract.Read(t, Cask{}, path, "") })
}
