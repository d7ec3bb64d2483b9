package template

import (
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
)

func TestSprig(t *testing.T) {
	created := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	r := &assay.Report{Created: created, Packages: []assay.Package{{Name: "a"}}, Findings: []assay.Finding{{ID: "CVE-1"}, {ID: "CVE-2"}}}
	for _, tt := range []struct{ text, want string }{
		{`{{now | date "2006-01-02"}}`, "2026-03-04"}, {`{{dateInZone "15:04" now "Asia/Kolkata"}} {{date_in_zone "15" now "none"}}`, "10:36 05"}, {`{{now | unixEpoch}}`, "1772600767"},
		{`{{htmlDate now}} {{htmlDateInZone now "UTC"}}`, "2026-03-04 2026-03-04"}, {`{{now | date_modify "-1h" | date "15"}}{{now | dateModify "30m" | date "04"}}`, "0436"},
		{`{{now | mustDateModify "-1h" | ago}}`, "1h0m0s"}, {`{{duration 95}} {{duration "95"}}`, "1m35s 1m35s"}, {`{{toDate "2006-01-02" "2025-12-31" | date "02.01.06"}}`, "31.12.25"}, {`{{date "2006" 0}}`, "1970"},
		{`{{append (list 1 2) 3 | join ","}} {{push (list) "a" | len}} {{prepend (list 1 2) 3 | join ","}}`, "1,2,3 1 3,1,2"}, {`{{concat (list 1) (list 2 3) | join ""}}`, "123"},
		{`{{rest (list 1 2 3) | join ""}}{{initial (list 1 2 3) | join ""}}{{rest (list) | len}}{{initial (list) | len}}`, "231200"}, {`{{reverse (list 1 2 3) | join ""}}`, "321"},
		{`{{has 4 (list 1 2 3)}} {{has 2 (list 1 2 3)}} {{has "b" (list "a" "b")}}`, "false true true"}, {`{{without (list 1 2 3) 2 | join ""}}{{compact (list "" "a" 0 1) | join ""}}`, "13a1"},
		{`{{$d := dict "a" 1 "b"}}{{get $d "a"}}{{get $d "b"}}{{get $d "c"}}{{hasKey $d "b"}}{{keys $d | join ""}}{{$d.a}}`, "1trueab1"}, {`{{coalesce "" 0 "x"}}{{kindOf 1}}{{kindOf "s"}}`, "xintstring"},
		{`{{add (int "3") (int64 4)}}{{atoi "x"}}`, "70"}, {`{{repeat 3 "ab"}}{{repeat -1 "ab"}}`, "ababab"}, {`{{substr 0 2 "abc"}}{{substr 1 -1 "abc"}}{{substr 5 9 "abc"}}{{substr 0 1 "é"}}`, "abbc"},
		{`{{indent 2 "a\nb"}}{{nindent 1 "c"}}`, "  a\n  b\n c"}, {`{{cat "a" "" "b"}}{{nospace " a b "}}`, "a bab"}, {`{{plural "one" "many" 1}}{{plural "one" "many" 2}}`, "onemany"},
		{`{{b64enc "a"}}{{b64dec "YQ=="}}`, "YQ==a"}, {`{{regexFindAll "[ab]" "xaxb" -1 | join ","}}{{regexSplit "x" "1x2" -1 | join "-"}}{{regexQuoteMeta "a.b"}}`, `a,b1-2a\.b`}, {`{{sourceID "nvd"}}`, "nvd"},
		{`{{$ids := list}}{{range .Findings}}{{$ids = append $ids .ID}}{{end}}{{join " " $ids}} {{slice "abc" 1 2}} {{index (list 5) 0 | add 1}}`, "CVE-1 CVE-2 b 6"},
	} {
		var b strings.Builder
		f := New(nil)
		o := assay.FormatOptions{Template: tt.text}
		if err := f.Check(o); err != nil {
			t.Errorf("%s: %v", tt.text, err)
		}
		if err := f.Write(&b, r, o); err != nil || b.String() != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.text, b.String(), err, tt.want)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{`{{repeat 1000000000 "abc"}}`, "limit"}, {`{{indent 2000000000 "a\nb"}}`, "limit"}, {`{{append 1 2}}`, "not a list"}, {`{{fail "no owner"}}`, "no owner"}, {`{{b64dec "*"}}`, "illegal base64"},
		{`{{$l := list 1}}{{range .Findings}}{{$l = concat $l $l $l $l $l $l $l $l}}{{$l = concat $l $l $l $l $l $l $l $l}}{{$l = concat $l $l $l $l $l $l $l $l}}{{$l = concat $l $l $l $l $l $l $l $l}}{{end}}{{len $l}}`, ""},
		{`{{range .Findings}}{{range .ID}}{{end}}{{end}}`, "range can't iterate over"}, {`{{env "HOME"}}`, `"env" not defined`}, {`{{getEnv "HOME"}}`, "not defined"},
	} {
		var b strings.Builder
		err := New(nil).Write(&b, r, assay.FormatOptions{Template: tt.text})
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 300) {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
	}
	if err := New(nil).Check(assay.FormatOptions{Template: "{{range .}}{{.Target}}{{end}}"}); err == nil || !strings.Contains(err.Error(), "{{with trivyResults .}}") || len(err.Error()) > 300 {
		t.Error(err)
	}
}
