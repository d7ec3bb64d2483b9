package trivyjson

import "github.com/assaysec/assay"

// templated is a result with all fields that Trivy's templates use.
type templated struct {
	result
	Misconfigurations, Secrets, Licenses, CustomResources []any // assay finds none of these
	MisconfSummary                                        *struct{ Successes, Failures, Exceptions int }
}

// Results returns a report's results as Trivy passes them to templates: .Target,
// .Class, .Type, .Packages, and .Vulnerabilities with the fields of its JSON report.
// Fields for results that assay does not have are empty.
func Results(r *assay.Report) any {
	out := []templated{}
	for _, res := range convert(r).Results {
		out = append(out, templated{result: res})
	}
	return out
}
