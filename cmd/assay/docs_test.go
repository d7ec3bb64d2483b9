package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedCommands: each command in a shell block of the README or of a page
// in docs exists, with its flags and number of arguments. It is parsed, not run.
func TestDocumentedCommands(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range append(pages, "../../README.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range documentedCommands(string(b)) {
			checked++
			if err := parseCommand(line); err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(page), line, err)
			}
		}
	}
	if checked < 60 {
		t.Errorf("%d commands were found: are they read?", checked)
	}
}

var (
	shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	// word is a word of a shell's line, perhaps quoted in parts.
	word = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`)
)

// documentedCommands lists the commands of assay in the shell blocks of a page.
func documentedCommands(page string) (all []string) {
	for _, block := range shellBlock.FindAllStringSubmatch(page, -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			line, _, _ = strings.Cut(line, " # ")
			for _, part := range regexp.MustCompile(`&&|\|`).Split(line, -1) {
				part, _, _ = strings.Cut(part, " > ")
				if part = strings.TrimSpace(part); strings.HasPrefix(part, "assay ") {
					all = append(all, part)
				}
			}
		}
	}
	return all
}

// parseCommand parses a command as run does, without running it.
func parseCommand(line string) error {
	words := word.FindAllString(line, -1)[1:]
	for i := range words {
		words[i] = strings.NewReplacer("'", "", `"`, "").Replace(words[i])
	}
	cmd, args, err := newRoot(streams{strings.NewReader(""), &strings.Builder{}, &strings.Builder{}, nil}).Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(args); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// TestParseCommand: wrong commands in pages are noticed.
func TestParseCommand(t *testing.T) {
	page := "```sh\nassay image a \\\n  --exit-code 1   # why\nx && assay fs . | assay sbom - > out\n```\n"
	want := "assay image a    --exit-code 1;assay fs .;assay sbom -"
	if got := strings.Join(documentedCommands(page), ";"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for line, good := range map[string]bool{
		"assay image 'a' --exit-code 1": true, "assay image --input a.tar": true, "assay vex repo list": true,
		"assay image": false, "assay image a b": false, "assay imag a": false, "assay image a --no-such": false, "assay image a --exit-code x": false,
	} {
		if err := parseCommand(line); (err == nil) != good {
			t.Errorf("%s: %v", line, err)
		}
	}
}
