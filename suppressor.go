package assay

import "context"

// A Suppressor says which findings do not count: ignore rules, a policy, VEX
// documents. It does not change once it is made, so that the findings of
// several reports may be judged at once.
type Suppressor interface {
	// ForReport begins to judge the findings of r, to which the caller adds
	// nothing meanwhile.
	ForReport(ctx context.Context, r *Report) (ReportSuppressor, error)
}

// A ReportSuppressor judges the findings of one report, one at a time, and counts
// what it met.
type ReportSuppressor interface {
	// Suppress is asked about a finding of the report, once for each. The error
	// says that it cannot judge, and ends the scan. Once ctx has ended, each
	// call returns an error: the context's, if there is no other.
	Suppress(ctx context.Context, f *Finding) (_ Suppression, suppressed bool, _ error)
	// Gaps lists what could not be looked up about the findings so far.
	Gaps() []Gap
	// Warnings lists what users should know about their rules and documents, a
	// sentence each: what expired, matches nothing, or cannot be understood. It is
	// called when the report is final, with its suppressed findings.
	Warnings(ctx context.Context) ([]string, error)
}
