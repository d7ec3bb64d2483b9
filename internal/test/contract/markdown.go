package contract

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// reportElements are the elements that the report has itself.
var reportElements = regexp.MustCompile(`</?(details|summary|sub|code)>|<br>|<!-- -->`)

var (
	markdownLinks = regexp.MustCompile(`\]\(https?://[^\s()<>\[\]|]*\)`)
	markdownSpans = regexp.MustCompile("`[^`|\\\\]+`")
)

// CheckMarkdown says what of a report in Markdown is markup, but not the report's
// own.
func CheckMarkdown(document []byte) error {
	text := string(document)
	if !utf8.ValidString(text) {
		return fmt.Errorf("no UTF-8")
	}
	for n, line := range strings.Split(text, "\n") {
		bare := markdownSpans.ReplaceAllString(line, "")
		if strings.HasPrefix(line, "|") {
			if n := strings.Count(line, "|"); n != 9 && n != 7 && n > 7 {
				return fmt.Errorf("a row of %d cells: %s", n-1, line)
			}
			bare = strings.ReplaceAll(bare, "|", "")
		}
		bare = reportElements.ReplaceAllString(bare, "")
		if markdownLinks.MatchString(bare) {
			bare = strings.ReplaceAll(markdownLinks.ReplaceAllString(bare, ""), "[", "")
		}
		if i := strings.IndexAny(bare, "<>`|[]_~@$\\\x1b\r\t\x00"); i >= 0 && !strings.HasPrefix(line, "|--") {
			return fmt.Errorf("line %d: %q in %s", n+1, bare[i], line)
		}
		if i := strings.Index(strings.ReplaceAll(bare, "&#", ""), "&"); i >= 0 {
			return fmt.Errorf("line %d: an ampersand in %s", n+1, line)
		}
	}
	return nil
}
