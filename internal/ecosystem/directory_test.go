package ecosystem

import "testing"

func TestIsInstalled(t *testing.T) {
	for path, want := range map[string]bool{
		"package-lock.json":                      false,
		"node_modules":                           false,
		"node_modules/a/package-lock.json":       true,
		"app/node_modules/.pnpm/a/Cargo.lock":    true,
		"lib/python3.11/site-packages/a/uv.lock": true,
		"infra/.terraform/modules/a/go.mod":      true,
		"ios/Pods/A/Package.resolved":            true,
		".build/checkouts/a/Package.resolved":    true,
		".build/Package.resolved":                false,
		"vendor/a/package-lock.json":             false,
		"deps/a/mix.lock":                        false,
		"my_node_modules/package-lock.json":      false,
		"node_modules.bak/a/package-lock.json":   false,
		"app/.yarn/cache/a/package.json":         true,
		"app/.yarn/plugins/package.json":         false,
	} {
		if got := IsInstalled(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
