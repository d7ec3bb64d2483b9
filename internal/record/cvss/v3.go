package cvss

import "math"

// The metrics of versions 3.0 and 3.1.
const (
	v3AV = iota
	v3AC
	v3PR
	v3UI
	v3S
	v3C
	v3I
	v3A
	v3E
	v3RL
	v3RC
	v3CR
	v3IR
	v3AR
	v3MAV
	v3MAC
	v3MPR
	v3MUI
	v3MS
	v3MC
	v3MI
	v3MA
	v3End
)

const v3Changed = 2 // place of the value "C" of S and MS

// v30 is https://www.first.org/cvss/v3.0/specification-document#8-CVSS-v3-0-Equations
var v30 = standard{
	version: "3.0", prefix: "CVSS:3.0/", undefined: "X", base: v3E, free: v3End, metrics: v3Metrics,
	published: func(v *values) float64 { return baseV3(v, ceil30) },
	score: func(v *values) float64 {
		return scoreV3(v, ceil30, func(iss float64) float64 { return 3.25 * math.Pow(iss-0.02, 15) })
	},
}

// v31 is https://www.first.org/cvss/v3.1/specification-document#CVSS-v3-1-Equations
var v31 = standard{
	version: "3.1", prefix: "CVSS:3.1/", undefined: "X", base: v3E, free: v3End, metrics: v3Metrics,
	published: func(v *values) float64 { return baseV3(v, ceil31) },
	score: func(v *values) float64 {
		return scoreV3(v, ceil31, func(iss float64) float64 { return 3.25 * math.Pow(iss*0.9731-0.02, 13) })
	},
}

// v3Metrics gives PR the weights of an unchanged scope.
var v3Metrics = []metric{
	v3AV:  {"AV", "N A L P", []float64{0, 0.85, 0.62, 0.55, 0.2}},
	v3AC:  {"AC", "L H", []float64{0, 0.77, 0.44}},
	v3PR:  {"PR", "N L H", []float64{0, 0.85, 0.62, 0.27}},
	v3UI:  {"UI", "N R", []float64{0, 0.85, 0.62}},
	v3S:   {"S", "U C", nil},
	v3C:   {"C", "N L H", []float64{0, 0, 0.22, 0.56}},
	v3I:   {"I", "N L H", []float64{0, 0, 0.22, 0.56}},
	v3A:   {"A", "N L H", []float64{0, 0, 0.22, 0.56}},
	v3E:   {"E", "U P F H", []float64{1, 0.91, 0.94, 0.97, 1}},
	v3RL:  {"RL", "O T W U", []float64{1, 0.95, 0.96, 0.97, 1}},
	v3RC:  {"RC", "U R C", []float64{1, 0.92, 0.96, 1}},
	v3CR:  {"CR", "L M H", []float64{1, 0.5, 1, 1.5}},
	v3IR:  {"IR", "L M H", []float64{1, 0.5, 1, 1.5}},
	v3AR:  {"AR", "L M H", []float64{1, 0.5, 1, 1.5}},
	v3MAV: {"MAV", "N A L P", nil},
	v3MAC: {"MAC", "L H", nil},
	v3MPR: {"MPR", "N L H", nil},
	v3MUI: {"MUI", "N R", nil},
	v3MS:  {"MS", "U C", nil},
	v3MC:  {"MC", "N L H", nil},
	v3MI:  {"MI", "N L H", nil},
	v3MA:  {"MA", "N L H", nil},
}

func weightV3(v *values, i int) float64 {
	if i == v3PR && v[v3S] == v3Changed && v[v3PR] > 1 {
		return [...]float64{0.68, 0.5}[v[v3PR]-2]
	}
	return v3Metrics[i].weights[v[i]]
}

func baseV3(v *values, up func(float64) float64) float64 {
	iss := 1 - (1-weightV3(v, v3C))*(1-weightV3(v, v3I))*(1-weightV3(v, v3A))
	return combineV3(v, iss, 3.25*math.Pow(iss-0.02, 15), up)
}

// scoreV3 follows all equations; less is the term that a changed scope subtracts
// from the environmental impact.
func scoreV3(v *values, up func(float64) float64, less func(iss float64) float64) float64 {
	score := baseV3(v, up)
	environmental := false
	for i := v3CR; i < v3End; i++ {
		environmental = environmental || v[i] != 0
	}
	if environmental {
		m := *v
		for i := range v3E {
			if modified := v[v3MAV+i]; modified != 0 {
				m[i] = modified
			}
		}
		iss := min(0.915, 1-(1-weightV3(&m, v3C)*weightV3(v, v3CR))*(1-weightV3(&m, v3I)*weightV3(v, v3IR))*(1-weightV3(&m, v3A)*weightV3(v, v3AR)))
		score = combineV3(&m, iss, less(iss), up)
	}
	return up(score * weightV3(v, v3E) * weightV3(v, v3RL) * weightV3(v, v3RC))
}

// combineV3 combines impact and exploitability.
func combineV3(v *values, iss, less float64, up func(float64) float64) float64 {
	exploitability := 8.22 * weightV3(v, v3AV) * weightV3(v, v3AC) * weightV3(v, v3PR) * weightV3(v, v3UI)
	changed := v[v3S] == v3Changed
	impact := 6.42 * iss
	if changed {
		impact = 7.52*(iss-0.029) - less
	}
	switch {
	case impact <= 0:
		return 0
	case changed:
		return up(min(1.08*(impact+exploitability), 10))
	}
	return up(min(impact+exploitability, 10))
}

// ceil30 rounds up to one decimal place. It tolerates floating point errors
// above x.
func ceil30(x float64) float64 { return math.Ceil(x*10-epsilon) / 10 }

// ceil31 rounds up numbers with five decimal places.
// https://www.first.org/cvss/v3.1/specification-document#Appendix-A---Floating-Point-Rounding
func ceil31(x float64) float64 {
	n := int(math.Round(x * 100000))
	return float64((n+9999)/10000) / 10
}
