// Package scan finds the packages in container images, directories, disks and
// SBOMs, and their vulnerabilities. It is the public API of assay: assay's own
// commands and programs that embed assay use it.
//
// A scan has three steps: open what is to be scanned, open the advisory
// database, and ask for the report.
//
//	img, err := scan.OpenImage(ctx, "alpine:3.20", scan.ImageOptions{})
//	…
//	defer img.Close()
//	database, err := scan.OpenDatabase(scan.DatabaseOptions{})
//	…
//	defer database.Close()
//	report, err := scan.Scan(ctx, scan.Request{Image: img, Database: database})
//
// # Targets
//
// [OpenImage] opens an image of a container engine, a registry, an archive or a
// layout directory. [OpenDirectory], [OpenRepository], [OpenDisk] and [OpenSBOM]
// open other targets. Each is an [assay.Image]; before [Scan] only its manifest
// is read.
//
// # Advisories
//
// A [Database] is in a cache directory and fetches what scans need, from the
// publishers, a mirror of them, or a published database. In a long-running
// process it fetches again what is older than DatabaseOptions.MaxAge. Any number
// of scans may use one database at once: each looks up advisories in a [Session]
// of its own, which does not change during the scan.
//
// # Filters and rules
//
// A [Request] selects the packages and findings of the report. Ignore rules and
// policies come from [LoadRules], VEX documents from [OpenVEX]; both are loaded
// once and serve any number of scans at once. Suppressed findings stay in the
// report, with the rule or document that suppresses them and its reason.
//
// # Next steps
//
// [Fix] plans upgrades, [Diff] compares two reports, and [Explain] explains one
// vulnerability. [Rejudge] applies other filters, rules and dates to a saved
// report, which [ReadReport] reads.
//
// # Errors and gaps
//
// Everything that could not be read, parsed, compared or looked up is in
// [assay.Report].Gaps: a report without findings but with gaps is not clean.
// Errors wrap the sentinels of package assay; an [OptionError] is the caller's
// to correct.
package scan
