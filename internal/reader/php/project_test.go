package php

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const composer = `{"require":{"php":">=8","ext-json":"*","a/b":"1.0.0","a/c":"^2.0","a/D":"v3.0.0-RC1","a/e":"dev-master"},"require-dev":{"a/f":"= 4.0"}}`
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no lock", File: "composer.json", Files: map[string]string{"composer.json": composer}, Want: "a/d@v3.0.0-RC1, a/b@1.0.0, a/f@4.0 dev", Gap: "no lock file: 2 of 5 requirements allow several versions: a/c, a/e"},
		{Name: "lock", File: "composer.json", Files: map[string]string{"composer.json": composer, "composer.lock": "{}"}},
		{Name: "PHP only", File: "composer.json", Files: map[string]string{"composer.json": `{"require":{"php":"8.0"}}`}},
		{Name: "of a package", File: "vendor/a/b/composer.json", Files: map[string]string{"vendor/a/b/composer.json": composer}},
		{Name: "broken", File: "composer.json", Files: map[string]string{"composer.json": `{"require":`}, Gap: "malformed"},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "composer.json", `{"require":{"a/b":"1.0.0"}}`)
}
