package cvss

// The metrics of version 4.0.
const (
	v4AV = iota
	v4AC
	v4AT
	v4PR
	v4UI
	v4VC
	v4VI
	v4VA
	v4SC
	v4SI
	v4SA
	v4E
	v4CR
	v4IR
	v4AR
	v4MAV
)

// v4 is
// https://www.first.org/cvss/v4.0/specification-document#CVSS-v4-0-Scoring.
// Values are ordered from the most severe to the least, as the distances
// require.
var v4 = standard{
	version: "4.0", prefix: "CVSS:4.0/", undefined: "X", base: v4E, free: v4SA,
	published: scoreV4, score: scoreV4,
	metrics: []metric{
		v4AV: {name: "AV", values: "N A L P"}, v4AC: {name: "AC", values: "L H"}, v4AT: {name: "AT", values: "N P"},
		v4PR: {name: "PR", values: "N L H"}, v4UI: {name: "UI", values: "N P A"},
		v4VC: {name: "VC", values: "H L N"}, v4VI: {name: "VI", values: "H L N"}, v4VA: {name: "VA", values: "H L N"},
		v4SC: {name: "SC", values: "H L N"}, v4SI: {name: "SI", values: "H L N"}, v4SA: {name: "SA", values: "H L N"},
		v4E:  {name: "E", values: "A P U"},
		v4CR: {name: "CR", values: "H M L"}, v4IR: {name: "IR", values: "H M L"}, v4AR: {name: "AR", values: "H M L"},
		v4MAV: {name: "MAV", values: "N A L P"}, {name: "MAC", values: "L H"}, {name: "MAT", values: "N P"},
		{name: "MPR", values: "N L H"}, {name: "MUI", values: "N P A"},
		{name: "MVC", values: "H L N"}, {name: "MVI", values: "H L N"}, {name: "MVA", values: "H L N"},
		{name: "MSC", values: "H L N"}, {name: "MSI", values: "H L N S"}, {name: "MSA", values: "H L N S"},
		{name: "S", values: "N P"}, {name: "AU", values: "N Y"}, {name: "R", values: "A U I"}, {name: "V", values: "D C"},
		{name: "RE", values: "L M H"}, {name: "U", values: "Clear Green Amber Red"},
	},
}

const v4Safety = 4 // place of the value "S" of MSI and MSA

// scoreV4 starts from the score of the macro vector. It subtracts the mean of
// the distances to the most severe vectors of the macro vector, in proportion to
// the next lower macro vector of each set of metrics. It uses whole numbers, so
// that rounding is exact.
func scoreV4(v *values) float64 {
	l := levels(v)
	none := true
	for _, i := range []int{v4VC, v4VI, v4VA} {
		none = none && l[i] == 2
	}
	for _, i := range []int{v4SC, v4SI, v4SA} {
		none = none && l[i] == 3
	}
	if none {
		return 0
	}
	eq := macroVector(l)
	score := eq.score()
	// A multiple of every depth below.
	const unit = 840
	sets, taken := 0, 0
	lower := func(next macro, distance, depth int) {
		if s := next.score(); s > 0 {
			sets++
			taken += (score - s) * distance * (unit / depth)
		}
	}
	sum := func(metrics ...int) (n int) {
		for _, i := range metrics {
			n += l[i]
		}
		return n
	}
	lower(eq.plus(0), sum(v4AV, v4PR, v4UI)-[...]int{0, 1, 3}[eq[0]], [...]int{1, 4, 5}[eq[0]])
	lower(eq.plus(1), sum(v4AC, v4AT)-eq[1], 1+eq[1])
	lower(eq.plus(2), sum(v4VC, v4VI, v4VA, v4CR, v4IR, v4AR)-[...]int{0, 3, 1, 3, 3}[eq[2]], [...]int{7, 6, 8, 8, 10}[eq[2]])
	lower(eq.plus(3), sum(v4SC, v4SI, v4SA)-[...]int{1, 3, 6}[eq[3]], [...]int{6, 5, 4}[eq[3]])
	lower(eq.plus(4), 0, 1)
	if sets > 0 {
		d := 2 * sets * unit
		score = (2*(score*sets*unit-taken) + d/2) / d
	}
	return float64(max(0, score)) / 10
}

// levels are the steps of each metric below its most severe value, with modified
// metrics applied; an undefined metric has its worst value. Subsequent systems
// have the value safety above those of their base metrics.
func levels(v *values) (l [v4MAV]int) {
	for i := range l {
		value := int(v[i])
		if i < v4E && v[v4MAV+i] != 0 {
			value = int(v[v4MAV+i])
		}
		l[i] = max(0, value-1)
		switch i {
		case v4SI, v4SA:
			value %= v4Safety
			l[i] = value
		case v4SC:
			l[i] = value
		}
	}
	return l
}

// A macro vector has the levels of the equivalence classes 1, 2, 3 with 6, 4 and
// 5. 3 and 6 have five levels together: 00, 01, 10, 11, 21.
type macro [5]int

func macroVector(l [v4MAV]int) (eq macro) {
	av, pr, ui := l[v4AV], l[v4PR], l[v4UI]
	switch {
	case av+pr+ui == 0:
	case av < 3 && (av == 0 || pr == 0 || ui == 0):
		eq[0] = 1
	default:
		eq[0] = 2
	}
	if l[v4AC]+l[v4AT] > 0 {
		eq[1] = 1
	}
	vc, vi, va := l[v4VC], l[v4VI], l[v4VA]
	required := vc+l[v4CR] == 0 || vi+l[v4IR] == 0 || va+l[v4AR] == 0
	switch {
	case vc+vi == 0:
	case vc == 0 || vi == 0 || va == 0:
		eq[2] = 2
	default:
		eq[2] = 3 // never required
	}
	if !required {
		eq[2]++
	}
	switch {
	case l[v4SI] == 0 || l[v4SA] == 0:
	case l[v4SC] == 1 || l[v4SI] == 1 || l[v4SA] == 1:
		eq[3] = 1
	default:
		eq[3] = 2
	}
	eq[4] = l[v4E]
	return eq
}

// plus is the macro vector one level lower in class i. Below level 00 of 3 with
// 6 there are two; the one with the higher score counts.
func (eq macro) plus(i int) macro {
	if eq[i]++; i != 2 {
		return eq
	}
	switch other := eq; eq[2] {
	case 1:
		if other[2] = 2; other.score() > eq.score() {
			return other
		}
	case 2:
		eq[2] = 3
	}
	return eq
}

// score is that of the most severe vectors of eq in tenths; 0 if there are none.
func (eq macro) score() int {
	if eq[0] > 2 || eq[1] > 1 || eq[2] > 4 || eq[3] > 2 || eq[4] > 2 {
		return 0
	}
	return int(macroScores[eq[0]][eq[1]][eq[2]][eq[3]][eq[4]])
}

// macroScores is the table of the specification's calculator, in tenths: EQ1,
// EQ2, EQ3 with EQ6, EQ4, EQ5. https://www.first.org/cvss/calculator/4.0
var macroScores = [3][2][5][3][3]uint8{
	{ // EQ1 is 0
		{
			{{100, 98, 95}, {100, 93, 91}, {93, 89, 81}},
			{{99, 95, 92}, {96, 87, 81}, {90, 80, 68}},
			{{98, 95, 90}, {93, 89, 81}, {88, 78, 69}},
			{{95, 92, 84}, {92, 81, 65}, {80, 70, 48}},
			{{92, 82, 72}, {79, 69, 50}, {69, 55, 27}},
		},
		{
			{{99, 95, 92}, {95, 90, 84}, {92, 82, 72}},
			{{97, 92, 85}, {91, 83, 71}, {81, 71, 53}},
			{{95, 92, 85}, {92, 80, 70}, {84, 71, 50}},
			{{93, 85, 73}, {82, 72, 59}, {70, 52, 30}},
			{{86, 75, 52}, {71, 52, 29}, {63, 29, 17}},
		},
	},
	{ // EQ1 is 1
		{
			{{98, 94, 91}, {94, 86, 77}, {87, 74, 63}},
			{{95, 87, 81}, {89, 74, 64}, {75, 63, 49}},
			{{94, 88, 76}, {86, 74, 59}, {72, 57, 52}},
			{{89, 77, 67}, {76, 58, 50}, {57, 52, 25}},
			{{83, 70, 54}, {65, 58, 26}, {53, 21, 13}},
		},
		{
			{{95, 88, 76}, {90, 75, 61}, {77, 68, 52}},
			{{90, 76, 70}, {77, 62, 53}, {66, 59, 30}},
			{{89, 76, 62}, {74, 57, 47}, {61, 57, 24}},
			{{78, 67, 58}, {59, 57, 23}, {52, 29, 16}},
			{{71, 59, 30}, {58, 26, 15}, {23, 13, 6}},
		},
	},
	{ // EQ1 is 2
		{
			{{93, 86, 75}, {86, 74, 56}, {70, 52, 40}},
			{{87, 72, 58}, {74, 61, 34}, {54, 40, 22}},
			{{85, 74, 62}, {72, 55, 46}, {53, 34, 19}},
			{{75, 55, 51}, {57, 41, 19}, {36, 19, 8}},
			{{64, 51, 20}, {47, 21, 11}, {24, 9, 4}},
		},
		{
			{{88, 73, 60}, {73, 59, 41}, {54, 45, 20}},
			{{75, 53, 50}, {55, 40, 20}, {43, 22, 11}},
			{{75, 58, 40}, {61, 48, 20}, {46, 17, 8}},
			{{55, 45, 21}, {51, 18, 9}, {18, 7, 2}},
			{{53, 24, 14}, {24, 12, 5}, {10, 3, 1}},
		},
	},
}
