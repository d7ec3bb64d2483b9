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

// unknownAuthor is who says what nobody has put a name to.
const unknownAuthor = "Unknown Author"

// maxVEXAdd bounds a document that is added to: people and their tools write
// it, and it is written anew as a whole.
const maxVEXAdd = 64 << 20

// present is the time of what is written: now, or what builds that are to be
// repeated say.
// https://reproducible-builds.org/docs/source-date-epoch/
func present() (time.Time, error) {
	s := os.Getenv("SOURCE_DATE_EPOCH")
	if s == "" {
		return time.Now(), nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<37 {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH: %q is no number of seconds since 1970", s)
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
		Short: "Write a VEX document with a statement on each finding of a saved report, to be edited",
		Long: `Write a VEX document with a statement on each finding of a report that was saved
with -f json, or in Trivy's form: affected, with the version to upgrade to, where
there is a fix; else under investigation. What was ruled out keeps its status. The
product is the image with the package as its part, or else the package. REPORT is
- for what comes by a pipe.`,
		Example: "  assay image app:1.4 -f json -o report.json && assay vex generate report.json -o app.openvex.json\n  assay vex generate report.json --format cyclonedx -o app.vex.cdx.json",
		Args:    onePath("report"),
		RunE:    func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "write the document to this `FILE`")
	f.StringVarP(&o.format, "format", "f", "openvex", "form of the document: openvex, cyclonedx")
	f.StringVar(&o.author, "author", unknownAuthor, "who says so: a name, an address")
	f.StringVar(&o.status, "status", "", "status of all findings that are not suppressed: affected, under_investigation (default: by whether there is a fix)")
	return cmd
}

func (o *vexGenerateOptions) run(name string) error {
	if o.format != "openvex" && o.format != "cyclonedx" {
		return usagef("--format %q is none of openvex, cyclonedx", o.format)
	}
	if o.status != "" && o.status != string(assay.StatusAffected) && o.status != string(assay.StatusUnderInvestigation) {
		return usagef("--status %q is none of affected, under_investigation: whether findings hold is for you to say, one by one (assay vex add)", o.status)
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
		slog.Warn(fmt.Sprintf("%s of packages without a package URL left out", printable.Count(nameless, "finding", "findings")))
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
		Short: "Add a statement to an OpenVEX document, or begin one",
		Long: `Add a statement to an OpenVEX document; where there is none yet, one is begun. What
was said before stays, and this counts from now on. The document becomes a new
version; it appears whole or not at all.`,
		Example: `  assay vex add app.openvex.json --id CVE-2022-0778 --product ghcr.io/org/app:1.4 --subcomponent pkg:deb/debian/openssl \
    --status not_affected --justification vulnerable_code_not_in_execute_path --impact "Only used for hashes."
  assay vex add app.openvex.json --id CVE-2021-44228 --product pkg:maven/org.example/app@2 --status affected --action "Upgrade to 2.1."`,
		Args: onePath("document"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(args[0], cmd.Flags().Changed("author")) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.ids, "id", nil, "the vulnerability, such as `CVE-2022-0778`; repeated, there is a statement on each")
	f.StringArrayVar(&o.aliases, "alias", nil, "another `ID` of the vulnerability; may be repeated")
	f.StringArrayVar(&o.products, "product", nil, "what is affected or not: a package URL, or an `IMAGE` by reference; may be repeated")
	f.StringArrayVar(&o.parts, "subcomponent", nil, "the `PURL` of what in the products it is about (default all in them); may be repeated")
	f.StringVar(&o.status, "status", "", words(vex.Statuses))
	f.StringVar(&o.justification, "justification", "", "why it is not affected: "+strings.Join(vex.Justifications, ", "))
	f.StringVar(&o.impact, "impact", "", "why it is not affected, in words")
	f.StringVar(&o.action, "action", "", "what to do where it is affected, in words")
	f.StringVar(&o.note, "note", "", "how that was found, in words")
	f.StringVar(&o.author, "author", unknownAuthor, "who says so (default: the document's author)")
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

// document is the one to add to.
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

// statements are what the flags say; they are refused where OpenVEX would.
func (o *vexAddOptions) statements() (out []vex.Statement, _ error) {
	if len(o.ids) == 0 {
		return nil, usagef("which vulnerability? Name it with --id")
	}
	if len(o.products) == 0 {
		return nil, usagef("of which product? Name it with --product")
	}
	var products []vex.Product
	for _, p := range o.products {
		if !strings.HasPrefix(p, "pkg:") {
			img, err := vex.ParseImage(p)
			if err != nil {
				return nil, usagef("--product: neither a package URL nor an image: %w", err)
			}
			p = img.PURL()
		}
		products = append(products, vex.Product{PURL: p, Subcomponents: o.parts})
	}
	for _, p := range o.parts {
		if !strings.HasPrefix(p, "pkg:") {
			return nil, usagef("--subcomponent %.200q is no package URL", p)
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
