package sbom

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

// list reads purls and CPE 2.3 names, one a line, with comments.
func list(b []byte) (assay.Facts, error) {
	c := newCollector("list")
	for l, err := range stanza.Lines(bytes.NewReader(b)) {
		if err != nil {
			c.errs.Add(err)
			continue
		}
		text := strings.TrimSpace(l.Text)
		switch {
		case text == "" || text[0] == '#':
		case strings.HasPrefix(text, "pkg:"):
			c.add(&entry{purl: text, name: text})
		case strings.HasPrefix(text, "cpe:"):
			c.cpe(text, l.N)
		default:
			c.errs.Add(fmt.Errorf("line %d: %.60q is neither a purl nor a CPE name: %w", l.N, text, assay.ErrMalformed))
		}
		if len(c.packages) > stanza.MaxPackages {
			break
		}
	}
	return c.facts()
}

// cpe takes a CPE 2.3 name with a version.
func (c *collector) cpe(name string, line int) {
	parts := strings.Split(strings.ReplaceAll(name, `\:`, "\x00"), ":")
	if len(parts) != 13 || parts[1] != "2.3" {
		c.errs.Add(fmt.Errorf("line %d: invalid CPE 2.3 name %.60q: %w", line, name, assay.ErrMalformed))
		return
	}
	for i := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(parts[i], "\x00", ":"), `\`, "")
	}
	version := parts[5]
	if version == "*" || version == "-" {
		version = ""
	}
	if u := parts[6]; version != "" && u != "*" && u != "-" {
		version += ":" + u
	}
	c.add(&entry{name: parts[4], version: version, cpes: []string{name}})
}
