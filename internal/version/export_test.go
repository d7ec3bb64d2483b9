package version

// For the suite of package contract, which imports this package.
var (
	Sample        = sample
	SeparatorRuns = separatorRuns
)
