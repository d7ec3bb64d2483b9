package sbom

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/identifier/cpe"
)

// list reads purls and CPE names, one a line, with comments.
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

// cpe takes a CPE name, of version 2.2 or 2.3.
func (c *collector) cpe(name string, line int) {
	n, ok := cpe.Parse(name)
	if _, full := cpe.ParseFormatted(name); !ok || !full && !strings.HasPrefix(name, "cpe:/") {
		c.errs.Add(fmt.Errorf("line %d: invalid CPE name %.60q: %w", line, name, assay.ErrMalformed))
		return
	}
	c.add(&entry{name: n.Product, version: cpeVersion(n), cpes: []string{name}, software: true})
}

// cpeVersion is the version of a CPE name, with the update behind a colon; "" where it
// has none.
func cpeVersion(n cpe.Name) string {
	if n.Version == "" || n.Version == "-" {
		return ""
	}
	if n.Update != "" && n.Update != "-" {
		return n.Version + ":" + n.Update
	}
	return n.Version
}
