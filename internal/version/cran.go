package version

// cran orders lists of numbers divided by dots or hyphens as R and Bioconductor
// do: of two where one ends the longer is the newer, also by a zero.
//
// Specification: https://stat.ethz.ch/R-manual/R-devel/library/base/html/numeric_version.html
type cran struct{ byteOrder }

func (cran) Name() string { return "cran" }

// Key is the numbers.
func (cran) Key(v string) (Key, error) { return listKey("cran", v, ".-") }
