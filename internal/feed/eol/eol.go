// Package eol reads when releases of products reach their end of life, from the
// project endoflife.date.
//
// https://endoflife.date/docs/api/v1/ describes the document of all products;
// the older https://endoflife.date/docs/api/v0/ has one document for each
// product.
package eol

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/distro/lifecycle"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/record/document"
)

const (
	// Document has all products and their releases, some megabytes.
	Document = "https://endoflife.date/api/v1/products/full"

	// product is the directory of the documents of single products.
	product = "https://endoflife.date/api/"

	site = "https://endoflife.date/"

	maxProduct = 8 << 20 // a release has 400 bytes, a product some hundred releases at most (2026)
)

// Feed reads the documents. A record is one release of a product: an advisory
// EOL-<product>-<cycle> that names the product and, as the version, the cycle.
// Status and Published have its state:
//
//	end_of_life, a date       support ends, or ended, on that day
//	end_of_life, no date      support has ended; Reason is "true", as published
//	not_affected, no date     support continues, or its end is unknown; Reason is "false"
//
// The date is the end of the security support that everybody gets for free. That
// is upstream's "eol". For Debian it is the end of extended support, because the
// tracker covers LTS. Other extensions are sold, and only Text has them.
//
// A product that assay needs and that is missing in the document of all products
// is read from its own document, because a mirror may have only some of them.
type Feed struct{}

// Name is "eol".
func (Feed) Name() string { return "eol" }

// Streams is "eol".
func (Feed) Streams() []assay.Stream { return []assay.Stream{assay.StreamEOL} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	c := &catalogue{ctx: ctx, g: g, sink: s, seen: map[string]bool{}}
	missing := c.read(Document, c.products)
	if missing != nil && !errors.Is(missing, assay.ErrNotFound) {
		return missing
	}
	for _, name := range append(distro.Products(), lifecycle.Products()...) {
		if c.seen[name] {
			continue
		}
		err := c.read(product+name+".json", func(d *jsonstream.Decoder) error { return c.cycles(d, name) })
		if err != nil && !errors.Is(err, assay.ErrNotFound) {
			return err
		}
	}
	if missing != nil && len(c.seen) == 0 {
		return missing
	}
	return nil
}

// catalogue is the data of one Fetch.
type catalogue struct {
	ctx  context.Context
	g    assay.Getter
	sink assay.Sink
	seen map[string]bool // products
}

// read reads one document, which must have a usable record.
func (c *catalogue) read(url string, visit func(*jsonstream.Decoder) error) error {
	before := len(c.seen)
	return document.JSON(c.ctx, c.g, url, maxProduct, func(d *jsonstream.Decoder) (found bool, err error) {
		err = visit(d)
		return len(c.seen) > before, err
	})
}

// products reads the document of all products.
func (c *catalogue) products(d *jsonstream.Decoder) error {
	return d.Object(func(key string) error {
		if key != "result" {
			return d.Skip()
		}
		return d.Array(func() error {
			var p struct {
				Name     string            `json:"name"`
				Label    string            `json:"label"`
				Labels   map[string]string `json:"labels"` // null if there is no such support
				Releases []json.RawMessage `json:"releases"`
			}
			ok, err := d.Value(&p)
			switch {
			case err != nil:
				return err
			case !ok || !productName.MatchString(p.Name):
				c.sink.Skip(p.Name, "malformed product")
				return nil
			}
			for _, raw := range p.Releases {
				r := release{product: p.Name, label: p.Label, extension: p.Labels["eoes"]}
				if json.Unmarshal(raw, &r) != nil {
					r.Cycle = ""
				}
				if err := c.emit(&r); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// cycles reads the document of one product.
func (c *catalogue) cycles(d *jsonstream.Decoder, name string) error {
	return d.Array(func() error {
		var v struct {
			Cycle    string `json:"cycle"`
			EOL      any    `json:"eol"`             // a date, or whether it ended
			Extended any    `json:"extendedSupport"` // a date, or whether there is any
		}
		ok, err := d.Value(&v)
		if err != nil {
			return err
		}
		r := release{product: name}
		if ok {
			r.Cycle = v.Cycle
			r.EOLFrom, _ = v.EOL.(string)
			r.ExtendedFrom, _ = v.Extended.(string)
			if over, ok := v.EOL.(bool); ok {
				r.EOL = &over
			}
		}
		return c.emit(&r)
	})
}

// productName matches names that are safe in a URL, like upstream's permalinks.
var productName = regexp.MustCompile(`^[a-z0-9][a-z0-9._+-]{0,99}$`)

// emit hands a release to the sink, or counts it as skipped.
func (c *catalogue) emit(r *release) error {
	a, why := r.advisory()
	if why != "" {
		c.sink.Skip(r.product+" "+r.Cycle, why)
		return nil
	}
	c.seen[r.product] = true
	return c.sink.Advisory(a)
}
