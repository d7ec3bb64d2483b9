// Package scan finds what is installed in container images, directories, disks
// and SBOMs, and what is wrong with it. It is the one door to assay, for its own
// commands and for programs that embed it.
//
// A scan has three steps: open what is to be scanned, open the advisory database,
// and ask for the report.
//
//	img, err := scan.OpenImage(ctx, "alpine:3.20", scan.ImageOptions{})
//	…
//	defer img.Close()
//	database, err := scan.OpenDatabase(scan.DatabaseOptions{})
//	…
//	defer database.Close()
//	report, err := scan.Scan(ctx, scan.Request{Image: img, Database: database})
//
// # What is scanned
//
// [OpenImage] opens an image of a container engine, a registry, an archive or a
// layout directory; [OpenDirectory], [OpenRepository], [OpenDisk] and [OpenSBOM]
// open the rest. Each is an [assay.Image]; nothing but its manifest is read until
// [Scan].
//
// # Advisories
//
// A [Database] lies in a cache directory and fetches by itself what scans need,
// from the publishers, a mirror of theirs, or a published database. In a process
// that lives long it fetches again what is older than DatabaseOptions.MaxAge. Any
// number of scans may use one database at once: each looks things up in a
// [Session] of its own, which does not change under it.
//
// # What counts
//
// A [Request] says which packages and findings the report has. Ignore rules and
// policies come from [LoadRules], VEX documents from [OpenVEX]; both are loaded
// once and serve any number of scans at once. What they suppress stays in the
// report, with who said so and why.
//
// # What to do about it
//
// [Fix] plans upgrades, [Diff] compares two reports, [Explain] says everything
// about one vulnerability. [Rejudge] applies other filters, rules and dates to a
// saved report, which [ReadReport] reads.
//
// # Errors and gaps
//
// What could not be read, parsed, compared or looked up is in [assay.Report].Gaps:
// a report without findings and with gaps is not clean. Errors wrap the sentinels
// of package assay; an [OptionError] is the caller's to correct.
package scan
