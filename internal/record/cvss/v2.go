package cvss

import "math"

// The metrics of version 2.0.
const (
	v2AV = iota
	v2AC
	v2Au
	v2C
	v2I
	v2A
	v2E
	v2RL
	v2RC
	v2CDP
	v2TD
	v2CR
	v2IR
	v2AR
	v2End
)

// v2 is https://www.first.org/cvss/v2/guide#3-2-1-Base-Equation. The temporal
// metrics are all given or all missing, and so are the environmental ones;
// values have no prefix.
var v2 = standard{
	version: "2.0", prefix: "", undefined: "ND", base: v2E,
	groups: [][2]int{{v2E, v2CDP}, {v2CDP, v2End}}, metrics: v2Metrics, published: publishedV2, score: scoreV2,
}

var v2Metrics = []metric{
	v2AV:  {"AV", "L A N", []float64{0, 0.395, 0.646, 1}},
	v2AC:  {"AC", "H M L", []float64{0, 0.35, 0.61, 0.71}},
	v2Au:  {"Au", "M S N", []float64{0, 0.45, 0.56, 0.704}},
	v2C:   {"C", "N P C", []float64{0, 0, 0.275, 0.66}},
	v2I:   {"I", "N P C", []float64{0, 0, 0.275, 0.66}},
	v2A:   {"A", "N P C", []float64{0, 0, 0.275, 0.66}},
	v2E:   {"E", "U POC F H", []float64{1, 0.85, 0.9, 0.95, 1}},
	v2RL:  {"RL", "OF TF W U", []float64{1, 0.87, 0.9, 0.95, 1}},
	v2RC:  {"RC", "UC UR C", []float64{1, 0.9, 0.95, 1}},
	v2CDP: {"CDP", "N L LM MH H", []float64{0, 0, 0.1, 0.3, 0.4, 0.5}},
	v2TD:  {"TD", "N L M H", []float64{1, 0, 0.25, 0.75, 1}},
	v2CR:  {"CR", "L M H", []float64{1, 0.5, 1, 1.51}},
	v2IR:  {"IR", "L M H", []float64{1, 0.5, 1, 1.51}},
	v2AR:  {"AR", "L M H", []float64{1, 0.5, 1, 1.51}},
}

// publishedV2 is the base score.
func publishedV2(v *values) float64 {
	return baseV2(v, impactV2(weightV2(v, v2C), weightV2(v, v2I), weightV2(v, v2A)))
}

// scoreV2 follows all equations; missing metrics change nothing.
func scoreV2(v *values) float64 {
	base := publishedV2(v)
	environmental := false
	for i := v2CDP; i < v2End; i++ {
		environmental = environmental || v[i] != 0
	}
	if environmental {
		impact := impactV2(weightV2(v, v2C)*weightV2(v, v2CR), weightV2(v, v2I)*weightV2(v, v2IR), weightV2(v, v2A)*weightV2(v, v2AR))
		base = baseV2(v, min(10, impact))
	}
	temporal := nearest(base * weightV2(v, v2E) * weightV2(v, v2RL) * weightV2(v, v2RC))
	return max(0, nearest((temporal+(10-temporal)*weightV2(v, v2CDP))*weightV2(v, v2TD)))
}

func weightV2(v *values, i int) float64 { return v2Metrics[i].weights[v[i]] }

func impactV2(c, i, a float64) float64 { return 10.41 * (1 - (1-c)*(1-i)*(1-a)) }

func baseV2(v *values, impact float64) float64 {
	if impact == 0 {
		return 0
	}
	exploitability := 20 * weightV2(v, v2AV) * weightV2(v, v2AC) * weightV2(v, v2Au)
	return nearest((0.6*impact + 0.4*exploitability - 1.5) * 1.176)
}

// nearest rounds to one decimal place, half up. It tolerates floating point
// errors below a half.
func nearest(x float64) float64 { return math.Floor(x*10+0.5+epsilon) / 10 }

// epsilon is larger than the floating point errors of the equations, and smaller
// than the difference of any two scores.
const epsilon = 1e-9
