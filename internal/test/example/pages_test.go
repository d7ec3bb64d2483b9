// Package example_test holds that the examples of docs/extending are those that
// are compiled and tested here.
package example_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxPage bounds a page in lines, so that it is read in one sitting.
const maxPage = 60

var block = regexp.MustCompile("(?s)```go\n(.*?)```\n")

func TestPages(t *testing.T) {
	examples := map[string]string{
		"reader": "reader/reader.go", "feed": "feed/feed.go", "format": "format/format.go", "source": "source/source.go",
		"version-scheme": "versionscheme/calver.go", "importer": "importer/importer.go",
	}
	pages, err := filepath.Glob("../../../docs/extending/*.md")
	if err != nil || len(pages) != len(examples) {
		t.Errorf("%d pages, want %d, %v", len(pages), len(examples), err)
	}
	for name, file := range examples {
		page, err := os.ReadFile("../../../docs/extending/" + name + ".md")
		if err != nil {
			t.Error(err)
			continue
		}
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(page), "\n"); n > maxPage {
			t.Errorf("%s has %d lines, want at most %d", name, n, maxPage)
		}
		blocks := block.FindAllStringSubmatch(string(page), -1)
		if len(blocks) != 1 || blocks[0][1] != string(code) {
			t.Errorf("the example of %s is not %s", name, file)
		}
	}
}
