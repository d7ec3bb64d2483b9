package template

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// sprig are further functions of Sprig, and of Trivy's templates, with the same
// arguments. Those that read the environment, files, the network or chance are missing.
// https://masterminds.github.io/sprig/
func (r *run) sprig() template.FuncMap {
	all := template.FuncMap{
		"dateInZone": r.dateInZone, "date_in_zone": r.dateInZone,
		"htmlDate":       func(t any) (string, error) { return r.dateInZone(time.DateOnly, t, "") },
		"htmlDateInZone": func(t any, zone string) (string, error) { return r.dateInZone(time.DateOnly, t, zone) },
		"unixEpoch":      func(t any) string { return fmt.Sprint(r.time(t).Unix()) },
		"date_modify":    r.dateModify, "dateModify": r.dateModify, "mustDateModify": r.dateModify, "must_date_modify": r.dateModify,
		"ago": func(t any) string { return r.report.Created.Sub(r.time(t)).Round(time.Second).String() },
		"duration": func(v any) (string, error) {
			n, err := number(v)
			return (time.Duration(n) * time.Second).String(), err
		},
		"toDate": toDate, "mustToDate": toDate,

		"append": r.append, "push": r.append, "prepend": r.prepend, "concat": r.concat,
		"rest": r.part(func(n int) (int, int) { return min(1, n), n }), "initial": r.part(func(n int) (int, int) { return 0, max(n-1, 0) }),
		"reverse": r.reverse, "has": r.has, "without": r.without, "compact": r.compact,

		"dict": dict, "get": get, "hasKey": hasKey, "keys": keys, "coalesce": coalesce,
		"kindOf": func(v any) string { return reflect.ValueOf(v).Kind().String() },
		"int":    toInt, "int64": toInt, "atoi": toInt,

		"repeat": r.repeat, "substr": func(from, to int, s string) (string, error) { return substr(from, to, s), r.spend(len(s)) },
		"indent": r.indent, "nindent": func(n int, s string) (string, error) { s, err := r.indent(n, s); return "\n" + s, err },
		"cat": func(v ...any) (string, error) {
			if sum, _ := sizes(v); sum > maxText {
				return "", r.spend(sum)
			}
			return r.text(strings.Join(slices.DeleteFunc(texts(v), func(s string) bool { return s == "" }), " "))
		},
		"nospace": func(s string) (string, error) { return r.text(strings.Join(strings.Fields(s), "")) },
		"plural": func(one, many string, n any) (string, error) {
			count, err := number(n)
			return either(count == 1, one, many).(string), err
		},
		"b64enc": func(s string) (string, error) { return r.text(base64.StdEncoding.EncodeToString([]byte(s))) },
		"b64dec": func(s string) (string, error) {
			b, err := base64.StdEncoding.DecodeString(s)
			return string(b), cmp.Or(err, r.spend(len(s)))
		},

		"regexFindAll": r.regexFindAll, "regexSplit": r.regexSplit, "regexQuoteMeta": func(s string) (string, error) { return r.text(regexp.QuoteMeta(s)) },
		"fail": func(text string) (string, error) { return "", fmt.Errorf("%s", printable.Cut(text, 200)) },

		// Trivy's: names of the keys of .CVSS. https://trivy.dev/docs/latest/configuration/reporting/#template
		"sourceID": func(name string) string { return name },
	}
	return all
}

// time is a value as a time: a time, or seconds since 1970; else the report's, as Sprig
// takes the present.
func (r *run) time(v any) time.Time {
	switch t := v.(type) {
	case time.Time:
		return t
	case *time.Time:
		if t != nil {
			return *t
		}
	case int, int32, int64:
		return time.Unix(reflect.ValueOf(t).Int(), 0).UTC()
	}
	return r.report.Created
}

// dateInZone formats a time. An unknown zone is UTC, as in Sprig; "" is that of the time.
func (r *run) dateInZone(layout string, v any, zone string) (string, error) {
	t := r.time(v)
	if zone != "" {
		at, err := time.LoadLocation(zone)
		if err != nil {
			at = time.UTC
		}
		t = t.In(at)
	}
	return r.text(t.Format(layout))
}

// dateModify adds a duration such as "-1h30m" to a time.
func (r *run) dateModify(by string, v any) (time.Time, error) {
	d, err := time.ParseDuration(by)
	return r.time(v).Add(d), err
}

func toDate(layout, s string) (time.Time, error) { return time.Parse(layout, s) }

// values returns the elements of any list, which count as work.
func (r *run) values(list any, more int) ([]any, error) {
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return nil, fmt.Errorf("not a list but %T: %w", list, assay.ErrUnsupported)
	}
	if err := r.spend(16 * (v.Len() + more)); err != nil {
		return nil, err
	}
	out := make([]any, v.Len(), v.Len()+more)
	for i := range out {
		out[i] = v.Index(i).Interface()
	}
	return out, nil
}

func (r *run) append(list, v any) ([]any, error) {
	l, err := r.values(list, 1)
	return append(l, v), err
}

func (r *run) prepend(list, v any) ([]any, error) {
	l, err := r.values(list, 1)
	return append([]any{v}, l...), err
}

func (r *run) concat(lists ...any) (out []any, _ error) {
	for _, list := range lists {
		l, err := r.values(list, 0)
		if err != nil {
			return nil, err
		}
		out = append(out, l...)
	}
	return out, nil
}

// part returns the elements between two positions, which depend on the length.
func (r *run) part(which func(n int) (from, to int)) func(any) ([]any, error) {
	return func(list any) ([]any, error) {
		l, err := r.values(list, 0)
		from, to := which(len(l))
		return l[from:to], err
	}
}

func (r *run) reverse(list any) ([]any, error) {
	l, err := r.values(list, 0)
	slices.Reverse(l)
	return l, err
}

func (r *run) has(v, list any) (bool, error) {
	l, err := r.elements(list)
	return slices.Contains(l, text(v)), err
}

func (r *run) without(list any, gone ...any) ([]any, error) {
	l, err := r.values(list, 0)
	if err != nil {
		return nil, err
	}
	all, err := r.elements(list)
	unwanted := texts(gone)
	var out []any
	for i, s := range all {
		if !slices.Contains(unwanted, s) {
			out = append(out, l[i])
		}
	}
	return out, err
}

func (r *run) compact(list any) ([]any, error) {
	l, err := r.values(list, 0)
	return slices.DeleteFunc(l, empty), err
}

// dict makes a map of names and values in turn.
func dict(v ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(v); i += 2 {
		var value any = ""
		if i+1 < len(v) {
			value = v[i+1]
		}
		out[text(v[i])] = value
	}
	return out
}

func get(d map[string]any, key string) any {
	if v, ok := d[key]; ok {
		return v
	}
	return ""
}

func hasKey(d map[string]any, key string) bool {
	_, ok := d[key]
	return ok
}

func keys(dicts ...map[string]any) (out []string) {
	for _, d := range dicts {
		out = append(out, slices.Sorted(maps.Keys(d))...)
	}
	return out
}

func coalesce(v ...any) any {
	for _, x := range v {
		if !empty(x) {
			return x
		}
	}
	return nil
}

// toInt is a whole number; 0 for what is none, as in Sprig.
func toInt(v any) int64 {
	n, _ := number(v)
	return n
}

func (r *run) repeat(n int, s string) (string, error) {
	if n > 0 && len(s) > maxText/n {
		return "", r.spend(maxText + 1)
	}
	return r.text(strings.Repeat(s, max(n, 0)))
}

// substr returns the bytes from one position to another, as Sprig does; a negative end,
// or one behind the text, is its end. It never cuts a character.
func substr(from, to int, s string) string {
	if to < 0 || to > len(s) {
		to = len(s)
	}
	from = min(max(from, 0), to)
	return strings.ToValidUTF8(s[from:to], "")
}

func (r *run) indent(n int, s string) (string, error) {
	n = max(n, 0)
	if lines := strings.Count(s, "\n") + 1; n > maxText/lines {
		return "", r.spend(maxText + 1)
	} else if err := r.spend(n*lines + len(s)); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}

func (r *run) regexFindAll(expr, s string, n int) ([]string, error) {
	re, err := expression(expr, s)
	if err != nil {
		return nil, err
	}
	return re.FindAllString(s, n), r.spend(16 * len(s))
}

func (r *run) regexSplit(expr, s string, n int) ([]string, error) {
	re, err := expression(expr, s)
	if err != nil {
		return nil, err
	}
	return re.Split(s, n), r.spend(16 * len(s))
}
