// Command embed scans an image archive with assay as a library, by its public
// packages only:
//
//	go run . app.tar [mirror]
//
// The mirror is a directory or an address that holds the publishers' documents;
// without one they are fetched from the publishers.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("which archive? Name a file that docker save wrote")
	}
	img, err := scan.OpenImage(ctx, "", scan.ImageOptions{Input: args[0]})
	if err != nil {
		return err
	}
	defer img.Close()

	database, err := scan.OpenDatabase(scan.DatabaseOptions{Fetch: scan.FetchOptions{Mirrors: args[1:]}})
	if err != nil {
		return err
	}
	defer database.Close()

	report, err := scan.Scan(ctx, scan.Request{
		Image:    img,
		Database: database,
		Filter:   scan.Filter{Severities: []assay.Severity{assay.SeverityHigh, assay.SeverityCritical, assay.SeverityUnknown}},
		Tool:     assay.Tool{Name: "embed", Version: "1"},
	})
	if err != nil {
		return err
	}
	for i := range report.Findings {
		f := &report.Findings[i]
		p := &report.Packages[f.Package]
		fmt.Printf("%-8s %-16s %s %s, fixed in %q, layer %d\n", f.Severity, f.ID, p.Name, p.Version, f.FixedIn, p.Layer.Index)
	}
	for _, gap := range report.Gaps {
		fmt.Println("not judged:", gap)
	}
	fmt.Printf("%d packages, %d findings, %d gaps\n", len(report.Packages), len(report.Findings), len(report.Gaps))
	return nil
}
