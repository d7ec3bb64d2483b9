package cve

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestValid(t *testing.T) {
	for id, want := range map[string]bool{
		"CVE-1999-0001": true, "CVE-2024-1234567": true, "CVE-2024-123": false, "CVE-24-1234": false,
		"cve-2024-1234": false, "CVE-2024-": false, "CVE-2024": false, "": false, "CVE-": false, "GHSA-1": false,
		"2024-1234": false, "CVE-2024-12a4": false, "CVE-2024-1234 ": false, "CVE-2024-12345678901234567890": false,
	} {
		if got := Valid(id); got != want {
			t.Errorf("Valid(%q) = %v", id, got)
		}
	}
}

func TestTime(t *testing.T) {
	day := time.Date(2024, 8, 6, 0, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"2024-08-06T20:50:16.917Z":     day.Add(20*time.Hour + 50*time.Minute + 16917*time.Millisecond),
		"2024-08-06T20:50:16.917":      day.Add(20*time.Hour + 50*time.Minute + 16917*time.Millisecond),
		"2024-08-06T22:50:16+02:00":    day.Add(20*time.Hour + 50*time.Minute + 16*time.Second),
		"2024-08-06T00:00:00+0000":     day,
		"2025-06-25T16:52:26.9744Z":    time.Date(2025, 6, 25, 16, 52, 26, 974400000, time.UTC),
		"2024-08-06":                   day,
		"2024-08-06T00:00":             day,
		"2024-08-06T00:00:00.0000000Z": day,
		"":                             {}, "yesterday": {}, "2024-13-06": {},
	} {
		if got := Time(s); !got.Equal(want) {
			t.Errorf("Time(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestWeakness(t *testing.T) {
	for s, want := range map[string]string{
		"CWE-79": "CWE-79", " CWE-79 Cross-site Scripting": "CWE-79", "NVD-CWE-Other": "", "CWE-": "", "CWE-noinfo": "", "n/a": "",
	} {
		if got := Weakness(s); got != want {
			t.Errorf("Weakness(%q) = %q", s, got)
		}
	}
}

func TestSet(t *testing.T) {
	if diff := cmp.Diff([]string{"a", "b"}, Set([]string{"b", "", "a", "b", ""})); diff != "" {
		t.Error(diff)
	}
}
