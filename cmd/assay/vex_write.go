package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/encoding/wholefile"
	"github.com/assaysec/assay/internal/suppress/vex"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

// unknownAuthor is the author when --author is not given.
const unknownAuthor = "Unknown Author"

// maxVEXAdd bounds a document that a statement is added to. People and their tools
// write it, and assay rewrites it as a whole.
const maxVEXAdd = 64 << 20

// present is the time of a new statement: now, or SOURCE_DATE_EPOCH, which makes
// the document reproducible.
// https://reproducible-builds.org/docs/source-date-epoch/
func present() (time.Time, error) {
	s := os.Getenv("SOURCE_DATE_EPOCH")
	if s == "" {
		return time.Now(), nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<37 {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH: %q is not a number of seconds since 1970", s)
	}
	return time.Unix(n, 0), nil
}

// vexGenerateOptions are the flags of `vex generate`.
type vexGenerateOptions struct {
	*global
	output, format, author, status string
}

func newVEXGenerate(g *global) *cobra.Command {
	o := &vexGenerateOptions{global: g}
	cmd := &cobra.Command{
		Use:   "generate REPORT",
		Short: "Write a VEX document with a statement on each finding, to edit",
		Long: `Write a VEX document with a statement on each finding of a report that assay (-f
json) or Trivy saved. A finding with a fix is affected, with the version to
upgrade to; a finding without a fix is under investigation. Suppressed findings
keep their status. The product is the image with the package as its component,
or the package if the image's repository is unknown. Edit the document before
you publish it. REPORT is a file, or - for standard input.`,
		Example: `  assay image app:1.4 -f json -o report.json
  assay vex generate report.json -o app.openvex.json
  assay vex generate report.json --format cyclonedx -o app.vex.cdx.json`,
		Args: onePath("report"),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "write the document to this `FILE`")
	f.StringVarP(&o.format, "format", "f", "openvex", "format: openvex, cyclonedx")
	f.StringVar(&o.author, "author", unknownAuthor, "author of the document: a name or an address")
	f.StringVar(&o.status, "status", "", "status of findings that are not suppressed: affected, under_investigation (default: affected if there is a fix)")
	return cmd
}

func (o *vexGenerateOptions) run(name string) error {
	if o.format != "openvex" && o.format != "cyclonedx" {
		return usagef("--format %q: want openvex or cyclonedx", o.format)
	}
	if o.status != "" && o.status != string(assay.StatusAffected) && o.status != string(assay.StatusUnderInvestigation) {
		return usagef("--status %q: want affected or under_investigation; set other statuses one by one with assay vex add", o.status)
	}
	at, err := present()
	if err != nil {
		return err
	}
	r, err := scan.ReadReport(name, o.in)
	if err != nil {
		return err
	}
	target := vex.Product{PURL: vex.ImagePURL(r)}
	statements, nameless := vex.Statements(r, target.PURL, assay.Status(o.status))
	if nameless > 0 {
		slog.Warn(fmt.Sprintf("%s left out: the package has no package URL", printable.Count(nameless, "finding", "findings")))
	}
	write := func(w io.Writer) error {
		if o.format == "cyclonedx" {
			return vex.WriteCycloneDX(w, target, r.Image.Name, o.author, at, statements)
		}
		d := vex.NewOpenVEX(o.author, "assay "+programVersion(), at)
		d.Add(at, statements...)
		return d.Write(w)
	}
	if o.output == "" || o.output == "-" {
		return write(o.out)
	}
	return wholefile.Write(o.output, write)
}

// vexAddOptions are the flags of `vex add`.
type vexAddOptions struct {
	*global
	ids, aliases, products, parts               []string
	status, justification, impact, action, note string
	author                                      string
}

func newVEXAdd(g *global) *cobra.Command {
	o := &vexAddOptions{global: g}
	cmd := &cobra.Command{
		Use:   "add FILE",
		Short: "Add a statement to an OpenVEX document",
		Long: `Add a statement to an OpenVEX document, or create the document with it. Earlier
statements stay; on the same product, the latest counts. The version of the
document is increased, and the file is replaced as a whole.`,
		Example: `  assay vex add app.openvex.json --id CVE-2022-0778 \
    --product ghcr.io/org/app:1.4 --subcomponent pkg:deb/debian/openssl \
    --status not_affected --justification vulnerable_code_not_in_execute_path \
    --impact "Only used for hashes."
  assay vex add app.openvex.json --id CVE-2021-44228 \
    --product pkg:maven/org.example/app@2 \
    --status affected --action "Upgrade to 2.1."`,
		Args: onePath("document"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(args[0], cmd.Flags().Changed("author")) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.ids, "id", nil, "the vulnerability, such as `CVE-2022-0778`; may be repeated, for one statement each")
	f.StringArrayVar(&o.aliases, "alias", nil, "another `ID` of the vulnerability; may be repeated")
	f.StringArrayVar(&o.products, "product", nil, "the product: a package URL, or the reference of an `IMAGE`; may be repeated")
	f.StringArrayVar(&o.parts, "subcomponent", nil, "the `PURL` of a component of the products (default: all); may be repeated")
	f.StringVar(&o.status, "status", "", "one of: "+words(vex.Statuses))
	f.StringVar(&o.justification, "justification", "", "why the product is not affected: "+strings.Join(vex.Justifications, ", "))
	f.StringVar(&o.impact, "impact", "", "why the product is not affected, in words")
	f.StringVar(&o.action, "action", "", "what users of an affected product should do, in words")
	f.StringVar(&o.note, "note", "", "how the status was determined, in words")
	f.StringVar(&o.author, "author", unknownAuthor, "author of the document (default: the author that it has)")
	return cmd
}

func (o *vexAddOptions) run(name string, named bool) error {
	statements, err := o.statements()
	if err != nil {
		return err
	}
	at, err := present()
	if err != nil {
		return err
	}
	d, err := o.document(name, at)
	if err != nil {
		return err
	}
	if named {
		d.SetAuthor(o.author)
	}
	d.Add(at, statements...)
	if err := wholefile.Write(name, d.Write); err != nil {
		return err
	}
	if !o.quiet {
		what := "statements"
		if len(statements) == 1 {
			what = "statement"
		}
		fmt.Fprintf(o.out, "%s: %d %s added\n", name, len(statements), what)
	}
	return nil
}

// document reads the document to add to, or creates it.
func (o *vexAddOptions) document(name string, at time.Time) (*vex.OpenVEX, error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return vex.NewOpenVEX(o.author, "assay "+programVersion(), at), nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := limit.ReadAll(f, maxVEXAdd)
	if err != nil {
		return nil, usagef("%s: %w", name, err)
	}
	d, err := vex.ReadOpenVEX(b)
	if err != nil {
		return nil, usagef("%s: %w", name, vex.InLine(b, err))
	}
	return d, nil
}

// statements builds the statements of the flags; what OpenVEX refuses is an error.
func (o *vexAddOptions) statements() (out []vex.Statement, _ error) {
	if len(o.ids) == 0 {
		return nil, usagef("no vulnerability given: name it with --id")
	}
	if len(o.products) == 0 {
		return nil, usagef("no product given: name it with --product")
	}
	var products []vex.Product
	for _, p := range o.products {
		if !strings.HasPrefix(p, "pkg:") {
			img, err := vex.ParseImage(p)
			if err != nil {
				return nil, usagef("--product: not a package URL or an image: %w", err)
			}
			p = img.PURL()
		}
		products = append(products, vex.Product{PURL: p, Subcomponents: o.parts})
	}
	for _, p := range o.parts {
		if !strings.HasPrefix(p, "pkg:") {
			return nil, usagef("--subcomponent %.200q is not a package URL", p)
		}
	}
	for _, id := range o.ids {
		s := vex.Statement{Vulnerability: strings.TrimSpace(id), Aliases: o.aliases, Products: products, Status: assay.Status(o.status), Justification: o.justification,
			Impact: o.impact, ActionStatement: o.action, Notes: o.note}
		advice, err := s.Check()
		if err != nil {
			return nil, usagef("%s: %w", cmp.Or(s.Vulnerability, "--id"), err)
		}
		if advice != "" {
			slog.Warn(advice+" (--action)", "id", id)
		}
		out = append(out, s)
	}
	return out, nil
}
