package policy

// library is data.lib.trivy, which policies for Trivy import: it parses CVSS
// vectors, with the terms of the specifications.
// https://www.first.org/cvss/v3.1/specification-document#Vector-String
const library = `package lib.trivy

words := {
	"AV": {"N": "Network", "A": "Adjacent", "L": "Local", "P": "Physical"},
	"AC": {"L": "Low", "M": "Medium", "H": "High"},
	"PR": {"N": "None", "L": "Low", "H": "High"},
	"UI": {"N": "None", "R": "Required"},
	"S": {"U": "Unchanged", "C": "Changed"},
	"Au": {"M": "Multiple", "S": "Single", "N": "None"},
}

impact_v3 := {"N": "None", "L": "Low", "H": "High"}

impact_v2 := {"N": "None", "P": "Partial", "C": "Complete"}

metrics(vector) := {name: value |
	some part in split(vector, "/")
	[name, value] := split(part, ":")
}

parse_cvss_vector_v3(vector) := {
	"AttackVector": words.AV[m.AV],
	"AttackComplexity": words.AC[m.AC],
	"PrivilegesRequired": words.PR[m.PR],
	"UserInteraction": words.UI[m.UI],
	"Scope": words.S[m.S],
	"Confidentiality": impact_v3[m.C],
	"Integrity": impact_v3[m.I],
	"Availability": impact_v3[m.A],
} if {
	m := metrics(vector)
}

parse_cvss_vector_v2(vector) := {
	"AccessVector": words.AV[m.AV],
	"AccessComplexity": words.AC[m.AC],
	"Authentication": words.Au[m.Au],
	"Confidentiality": impact_v2[m.C],
	"Integrity": impact_v2[m.I],
	"Availability": impact_v2[m.A],
} if {
	m := metrics(vector)
}
`
