package trivyjson

import "github.com/assaysec/assay"

// templated is a result with all that Trivy's templates ask for.
type templated struct {
	result
	Misconfigurations, Secrets, Licenses, CustomResources []any // assay looks for none
	MisconfSummary                                        *struct{ Successes, Failures, Exceptions int }
}

// Results are those of a report as Trivy gives them to templates: .Target, .Class,
// .Type, .Packages, and .Vulnerabilities with the fields of its JSON report; what
// it looks for and assay does not is empty.
func Results(r *assay.Report) any {
	out := []templated{}
	for _, res := range convert(r).Results {
		out = append(out, templated{result: res})
	}
	return out
}
