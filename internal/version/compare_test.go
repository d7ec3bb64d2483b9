package version

import (
	"errors"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

func TestCompare(t *testing.T) {
	for s, lines := range map[Scheme]string{
		Deb: `1.0~rc1 < 1.0
			1.0 < 1.0+b1
			1.0a < 1.0+
			1.0-1 < 1.0-1+deb12u1
			1.0-1~bpo12+1 < 1.0-1
			9 < 10
			1.09 = 1.9
			1.0. = 1.0.0
			99999999999999999999 < 100000000000000000000
			0:1 = 1
			1:0 > 9
			1-2-3 > 1-2-1
			1-2-3 < 1.-1
			1.2.3~ < 1.2.3
			1.2.3~~ < 1.2.3~
			1.2.3~~a < 1.2.3~
			7.0+really6 > 7.0
			1:2:3 > 1:2
			a = a
			2:1.0-1ubuntu0.1 > 2:1.0-1`,
		RPM: `1.0-1.el9 < 1.0-1.el9_2
			1.0-1.fc38 < 1.0-1.fc39
			0:1.0-1 = 1.0-1
			:1.0 = 1.0
			2:1.0-1 > 10.0-1
			1.0~beta-1 < 1.0-1
			1.0^20240101-1 > 1.0-1
			99999999999999999999 < 100000000000000000000
			1.0.1e < 1.0.2
			1.0.1e > 1.0.1`,
		Apk: `1.2.3-r0 < 1.2.3-r1
			1.2.3 < 1.2.3-r0
			1.10 > 1.9
			1.09 < 1.1
			1.00 > 1.0
			1.2_rc1_p1 < 1.2
			1.2_p20240101 > 1.2
			1.2~abc123 > 1.2
			1.2~abc123 < 1.2~abd
			1.2_git20240101-r1 > 1.2-r1
			9.3_p1-r10 > 9.3_p1-r9
			6.6.2p9 < 6.6.2p10
			1.9.5p2-r0 < 1.9.5p2-r1
			0 < 0.1-r0
			99999999999999999999 < 100000000000000000000`,
		Pacman: `1.5.0 < 1.5.1
			1.5.1-1 = 1.5.1
			1.5.1 = 1.5.1-2
			1.5.1-1 < 1.5.1-2
			1.5.1-1 < 1.5.1-1.1
			1.0a < 1.0alpha
			1.0alpha < 1.0b
			1.0rc < 1.0
			1.0 < 1.0.a
			1.0a < 1.0.a
			1.0.a < 1.0.0
			1.0 < 1.0.0
			1.0 < 1.0.
			1.0 = 1_0
			1__0 > 1_0
			1.001 = 1.1
			0:1.0 = 1.0
			:1.0 = 00:1.0
			1:1.0 > 2.0
			1:1.0-1 = 1:1.0
			10:1 > 9:1
			r12.abc < r13.abb
			99999999999999999999 < 100000000000000000000`,
		SemVer: `1 = 1.0.0
			1.2 < 1.2.1
			v1.2.3 = V1.2.3
			1.0.0-alpha = 1-alpha
			1.0.0 < 1.0.0.1-alpha
			1.0.0.1-alpha < 1.0.0.1
			1.0.0.0 = 1.0.0
			1.2.3.4 < 1.2.3.10
			2018.08.18 < 2018.10.1
			1.0.0- < 1.0.0
			1.0.0-0 < 1.0.0-
			1.0.0-01 = 1.0.0-1
			1.0.0-9 < 1.0.0-10
			1.0.0-10 < 1.0.0--
			1.0.0-rc.1 < 1.0.0-rc1
			1.21rc2 = 1.21.0-rc.2
			1.21rc2 < 1.21rc10
			1.21rc.2 = 1.21rc2
			2.0.0+incompatible = v2.0.0
			v0.0.0-20190125091013-d26f9f9a57f3 < v0.0.0
			v1.2.4-0.20190125091013-d26f9f9a57f3 > v1.2.3
			v1.2.4-0.20190125091013-d26f9f9a57f3 < v1.2.4-rc.1
			v0.0.0-20190125091013-d26f9f9a57f3 < v0.0.0-20190125092013-000000000000
			3.1.1-canary.20211030 < 3.1.1
			1.0.0-Z < 1.0.0-a`,
		Actions: `v1.2.3 = 1.2.3
			7.x > 7.99.99
			7.x < 8.0.0-rc1
			7.1.x > 7.1.5
			7.1.x < 7.2
			7.1.x < 7.x
			7.x = 7.x
			0.x > 0.99999999999999999999
			1.0.0-rc.1 < 1`,
		NuGet: `1.0 = 1.0.0.0.0
			1.8.3 < 1.8.3.1
			3.0.0-alpha10 < 3.0.0-alpha4
			3.0.0-alpha.4 < 3.0.0-ALPHA.10
			1.0.0-a < 1.0.0-B
			1.0.0+a = 1.0.0+B`,
		Pub: `1 = 1.0.0
			3.0.0-nullsafety.0 < 3.0.0
			1.1.1+2 < 1.1.1+10
			1.1.1+2 < 1.1.2+0
			1.1.1 < 1.1.1+0
			1.0.0+ < 1.0.0+a
			1.0.0+0 < 1.0.0+0.0
			1.0.0-a.b+1 > 1.0.0-a.b`,
		Bitnami: `1.2.3 = 1.2.3-0
			1.2.3 < 1.2.3-1
			1.2.3-9 < 1.2.3-10
			1.2.3-10 < 1.2.4
			1.2.3-rc1 < 1.2.3
			2.6.0-rc1 < 2.6.0-1
			2.4.46 < 2.4.46-10.el8
			9.0.35-3.57.3 < 9.0.35-3.58
			3.6.5 < 3.6.5-8-g210218
			0.311.2-0.20260410083055-07c6232d159b < 0.311.2
			2018.08.18 < 2019.9.25`,
		Hackage: `1.2 < 1.10
			1.01 = 1.1
			9.2.1 < 9.2.1.0
			99999999999999999999 < 100000000000000000000`,
		CRAN: `1.2-3 = 1.2.3
			1.2-3 < 1.2-10
			1.2-9 < 1.3`,
		Gem: `1 = 1.0.0
			1.0.0.alpha.1.0 = 1.0.0.alpha.1
			1.a.0.b < 1.a
			1.a.b < 1.a.0.b
			1.a.0.b < 1.a.0.0.b
			1.a < 1.a.0.1
			1.a.0.0.1 < 1.a.0.1
			1.a.0.1 < 1.a.1
			3.1.0.0.pre = 3.1.pre
			1.0-1 = 1.0.pre.1
			1.0-1 < 1.0
			1--a = 1.pre.pre.a
			1.A < 1.a
			4.2.10.rc1 > 4.2.9
			01.2 = 1.2`,
		Maven: `1.0.RC1 < 1.0-RC2
			2-x = 2.0.x
			2.0.x = 2.0.0.x
			1-0.alpha < 1
			1-0.alpha < 1-0.beta
			1..2 = 1.0.2
			1-2 < 1.0.2
			4.1.0.Beta6 < 4.1.0.CR1
			4.1.0.CR1 < 4.1.0.Final
			4.1.0.Final = 4.1
			4.1.0.Final < 4.1.0.Final-redhat-1
			4.1.9.Final < 4.1.10.Final
			5.0.0.RELEASE < 5.0.0.SP1
			1.0-sp < 1.0-jre8
			1.0.1.3-jre8 < 1.0.1.3-jre13
			9.4.27.v20200227 < 9.4.43.v20210629
			9.4.27 < 9.4.27.v20200227
			5.3.9.202012012026-r > 5.3.9
			11.0.0-M2 < 11.0.0-M12
			11.0.0-M2 = 11.0.0-milestone2
			11.0.0-M = 11.m
			1-m < 1-x
			1.4-dev-7 > 1.4
			r03 < r09
			r09 < 1
			32.0.0-android < 32.0.0-jre
			1.0_1 > 1.0
			99999999999999999999 < 100000000000000000000`,
		Packagist: `1 > 1.0-rc1
			1.0 = 1.0.0
			8 = 8.0.0.0
			v3.0 = 3.0.0
			1.0-rc1 = 1.0.0.0-RC1
			2.0 > 2.0.0-beta1
			1.0.0 < 1.0.0.1
			1.0.1 > 1.0.0.9
			1.0-stable < 1.0.1
			1.0.0-stable2 = 1.0.0
			1.0.0+build.5 = 1.0.0
			1.0.0-RC2 < 1.0.0-rc10
			1.0.0-alpha < 1.0.0-BETA
			1.0.0 < 1.0.0-p1
			1.0.0-patch2 = 1.0.0-pl2
			1.0.0-p1 < 1.0.1
			1.0.0-foo < 1.0.0-dev
			1.x-dev > 1.999
			1.X-dev < 2.0-alpha
			1.2.*-dev > 1.2.3
			dev-master < 0.0.1
			v3.12.0RC1 < v3.12.0
			9999999-dev > 100.0`,
		PEP440: `1.0 = 1
			V1.0 = 1.0.0
			1.0.dev1 < 1.0a1.dev1
			1.0a1.dev1 < 1.0a1
			1.0a1 < 1.0a1.post1
			1.0a1.post1 < 1.0b1
			1.0b1 < 1.0rc1
			1.0rc1 < 1.0
			1.0 < 1.0+a
			1.0+a < 1.0+a.b
			1.0+a.b < 1.0+1
			1.0+1 < 1.0.post1.dev1
			1.0.post1.dev1 < 1.0.post1
			1.0.post1 < 1.0.1
			2024.1 < 1!0.1
			1.0alpha1 = 1.0.A-1
			1.0preview1 = 1.0c1
			1.0.pre = 1.0rc0
			1.0r1 = 1.0-1
			1.0-rev.1 = 1.0.post1
			1.0adev1 = 1.0a0.dev1
			1.0a. = 1.0a0
			1.0a--1 = 1.0a0.post1
			1.0+A_b = 1.0+a.b
			1.0+01 = 1.0+1
			0.3.2d < 0
			trunk < 0.dev0
			0.4m1 < 0.5m1
			0.9-doduo < 0.10-doduo
			2013-01-21T20:33:09+0100 < 2013-01-23T17:11:52+0100
			2.0.0-final = 2-final
			3.0.0b3- < 3.0.0b4-
			1--pre_ < 1--foo_
			1-0-pre_ < 1-0-foo_`,
		Perl: `1.5 = v1.500
			1.10 < 1.9
			1.10 = 1.1
			1.002003 = v1.2.3
			1.2.3 = v1.2.3
			v1.2 = 1.002
			v1.10 > v1.9
			1.02_03 = 1.0203
			.5 = 0.5
			1. = 1
			2.05-TRIAL2 < 2.05
			2.05-TRIAL2 < 2.05_TRIAL10
			2.00b02 > 1.99
			0.24 > 0.23
			v804.24 < v804.32.1
			99999999999999999999 < 100000000000000000000`,
		Portage: `1.2 < 1.10
			1.2 < 1.2.0
			1.00 = 1.0
			1.010 = 1.01
			1.09 < 1.1
			1.05 < 1.051
			1.0 < 1.01
			1.2 < 1.2a
			1.2a < 1.2b
			1.2b < 1.2.1
			1.2_p1 < 1.2a
			1.2_alpha < 1.2_alpha1
			1.2_alpha2 < 1.2_alpha10
			1.2_alpha < 1.2_beta
			1.2_beta < 1.2_pre
			1.2_pre < 1.2_rc
			1.2_rc < 1.2
			1.2 < 1.2_p
			1.2_rc1_p1 > 1.2_rc1
			1.2_rc1_alpha < 1.2_rc1
			1.2-r0 = 1.2
			1.2-r1 < 1.2-r10
			1.2_rc1-r9 < 1.2
			01 = 1
			99999999999999999999 < 100000000000000000000`,
		Generic: `1.0.2 < 1.0.2a
			1.0.2a < 1.0.2u
			1.0.2U = 1.0.2u
			1.0.2u < 1.0.3
			1.0.2u < 1.0.2.1
			1.0.2-fips > 1.0.2
			1.0.2-dev < 1.0.2-alpha1
			1.0.2-alpha1 < 1.0.2-beta1
			1.0.2-beta1 < 1.0.2-pre1
			1.0.2-pre1 < 1.0.2-rc1
			1.0.2rc1 = 1.0.2-RC.1
			1.0.2-rc2 < 1.0.2-rc10
			1.0.2-rc1 < 1.0.2
			1.0 = 1.0.0
			1.0-rc1 = 1.0.0-rc1
			1.0.1 > 1
			1.0-final = 1.0
			v4.10-rc3 < v4.10
			v4.14.9 < v4.14.10
			2.2.0 < 2.2.0_1
			9.3p1 < 9.3p2
			9.3 < 9.3p1
			7.0.10-57 > 7.0.10-6
			11.5(1)su3 > 11.5(1)
			10.15.7:security_update_2020-001 < 10.15.7:security_update_2021-001
			2021-12-13 < 2021-12-16
			cci.20200101 < cci.20210101
			99999999999999999999 < 100000000000000000000`,
	} {
		for line := range strings.Lines(lines) {
			checkLine(t, s, line)
		}
	}
}

func TestKeyRefuses(t *testing.T) {
	long := strings.Repeat("1", maxLen+1)
	for s, versions := range map[Scheme][]string{
		Apk:    {"", "1 2", "1\x00", long},
		Deb:    {"", "1 2", ":1", "a:1", "1:", "1:-1", "-1", "1-", "-1:1", "1-2:3", "2147483648:1", "99999999999999999999:1", long},
		RPM:    {"", "1 2", "1\n", long},
		Pacman: {"", "1 2", "1:-1", "-1", long},

		Actions:   {"", "1 2", "main", "x", ".x", "v7.x", "7..x", "98ed4a1", long},
		Bitnami:   {"", "1 2", "nightly.2026-03-10.0", "-1", long},
		CRAN:      {"", "1 2", "1.", "1..2", "-1", "1.a", long},
		Gem:       {"", "1 2", "a", ".1", "1_2", "v1", long},
		Generic:   {"", "1 2", "master", "-", "é", long},
		Hackage:   {"", "1 2", "1.", "1-2", "1.a", long},
		Maven:     {"", "1 2", long},
		NuGet:     {"", "1 2", "a", "1.a", "1_2", "1..2", long},
		Packagist: {"", "1 2", long},
		PEP440:    {"", " ", "1 2", "1\x00a", long},
		Perl:      {"", "1 2", "v", ".", "a", "v1..2", "v1.2.", "1.2.3.", "1-2", "1+2", "_", long},
		Portage:   {"", "1 2", "a", "1.", "1.a", "1A", "1ab", "1_foo", "1_", "1-1", "1-r", "1-r1-r2", "1.2*", long},
		Pub:       {"", "1 2", "a", "1_2", long},
		SemVer:    {"", "1 2", "v", "vv1", "latest", "(devel)", "1.x", "1..2", "1.", "1_2", "*", "-1", ">=1", long},
	} {
		for _, v := range versions {
			if k, err := s.Key(v); !errors.Is(err, assay.ErrMalformed) || k != "" {
				t.Errorf("%s: Key(%.30q) = %q, %v, want ErrMalformed", s.Name(), v, k, err)
			}
			if _, err := Compare(s, "1", v); err == nil {
				t.Errorf("%s: Compare with %.30q gives no error", s.Name(), v)
			}
		}
	}
}

// TestRevision holds that no scheme orders commits.
func TestRevision(t *testing.T) {
	for _, v := range []string{
		"98ed4a1b2c3d4e5f60718293a4b5c6d7e8f90a1b", "1234567890123456789012345678901234567890", strings.Repeat("0a", 32),
		"98ed4a1", "1aaaaaa", "9abcdef0123", "98ed4a1-dirty", "20231301a", "98ED4A1", "98ed4a1/main",
	} {
		if !IsRevision(v) {
			t.Errorf("%s is no revision", v)
		}
		for _, s := range All() {
			if k, err := s.Key(v); !errors.Is(err, assay.ErrMalformed) || k != "" {
				t.Errorf("%s: Key(%s) = %q, %v, want ErrMalformed", s.Name(), v, k, err)
			}
		}
	}
	for _, v := range []string{
		"1.2.3", "20240101", "20240101a", "20240101b1", "2024010101", "1234567", "12a", "2024a", "1.0b1", "1.21rc2", "1:98ed4a1.1", "9.8ed4a1b2",
		"v0.0.0-20190125091013-d26f9f9a57f3", "0.0.0-98ed4a1", "abcdefa", "", "123456789012345678901234567890123456789",
	} {
		if IsRevision(v) {
			t.Errorf("%s is a revision", v)
		}
	}
}

func TestOfTag(t *testing.T) {
	for tag, want := range map[string]string{
		"v1.4.2": "1.4.2", "1.4.2": "1.4.2", "V1.4": "1.4", "v1.4.2-rc.1": "1.4.2-rc.1", "1.4rc1": "1.4rc1",
		"v1": "", "main": "", "1.x": "", "98ed4a1": "", "release/1.2": "", "": "", "semver:^1.2": "", "1.2.3 4": "",
	} {
		if got := OfTag(tag); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}

func TestPlace(t *testing.T) {
	for s, tt := range map[Scheme]struct{ unplaced, placed []string }{
		Actions:   {[]string{"main", "98ed4a1"}, []string{"v7", "7.x"}},
		Generic:   {[]string{"master"}, []string{"cci.20200101"}},
		Maven:     {[]string{"master-SNAPSHOT", "LATEST", "unspecified", "${project.version}"}, []string{"Finchley.RELEASE", "r09", "1-SNAPSHOT"}},
		Packagist: {[]string{"dev-master", "master", "dev-1.x", "DEV-main", "v"}, []string{"1.x-dev", "v1.0", "1.0.x-dev", "9999999-dev"}},
		PEP440:    {[]string{"master", "trunk", "0.3.2d", "2.0.0-final"}, []string{"1.0", "1!2", "2.6.0+cu124", "1.0rc1", "20240101"}},
		SemVer:    {[]string{"main", "latest", "HEAD", "(devel)"}, []string{"1.0.0", "1.21rc2"}},
	} {
		for _, v := range tt.unplaced {
			if k, err := Place(s, v); !errors.Is(err, assay.ErrMalformed) || k != "" {
				t.Errorf("%s: Place(%s) = %q, %v, want ErrMalformed", s.Name(), v, k, err)
			}
		}
		for _, v := range tt.placed {
			if _, err := Place(s, v); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestEqualTexts holds that a version that cannot be judged is equal to itself.
func TestEqualTexts(t *testing.T) {
	for _, s := range All() {
		if c, err := Compare(s, "98ed4a1", "98ed4a1"); err != nil || c != 0 {
			t.Errorf("%s: %d, %v", s.Name(), c, err)
		}
		if _, err := Compare(s, "98ed4a1", "98ed4a2"); err == nil {
			t.Errorf("%s: no error", s.Name())
		}
	}
}

func TestPublic(t *testing.T) {
	for v, want := range map[string]string{"2.6.0+cu124": "2.6.0", "1!2+a": "1!2", "2.6.0": "2.6.0", "x+y": "x+y", "1+": "1+"} {
		if got := Public(PEP440, v); got != want {
			t.Errorf("%s is %s, want %s", v, got, want)
		}
	}
	if got := Public(Pub, "1+a"); got != "1+a" {
		t.Error(got)
	}
}

func TestInLine(t *testing.T) {
	f := Actions.(Floating)
	for _, tt := range []struct {
		floating, v string
		want        bool
	}{
		{"7.x", "7.0.6", true}, {"7.x", "v7.0.6", true}, {"7.x", "7", true}, {"7.x", "70.1.0", false}, {"7.x", "8.0.0", false}, {"7.1.x", "7.1.2", true}, {"7.1.x", "7.2.0", false}, {"7.0.1", "7.0.1", false},
	} {
		if got := f.InLine(tt.floating, tt.v); got != tt.want {
			t.Errorf("%s, %s: %v", tt.floating, tt.v, got)
		}
	}
}

// TestSecdb holds that the odd versions of Alpine's advisories can be judged.
func TestSecdb(t *testing.T) {
	for _, line := range []string{
		"0.8.21.r2 > 0.8.20-r9", "1.11-20-r0 > 1.10-r0", "4.10-1-r1 > 4.9-r3", "10.0.11-0 > 10.0.10-r0",
		"2021-03-27-r5 > 2020-r0", "6.0.5.1 < 6.0.5.1-r0", "7.36.0 < 7.36.0-r1",
	} {
		checkLine(t, Apk, line)
	}
}

func TestDoubtful(t *testing.T) {
	for s, tt := range map[Scheme]struct{ doubtful, sure []string }{
		Apk:    {[]string{"4.10-1-r1", "a"}, []string{"1.2_rc1-r0"}},
		Deb:    {nil, []string{"a", "1"}},
		PEP440: {[]string{"0.3.2d", "1-", "1+", "1!", "x", "1.0+a+b", "1.0+.a", "1.0b3-x"}, []string{" 1.0 ", "1!1.0a1.post1.dev1+a"}},
		Perl:   {[]string{"2.05-TRIAL2", "2.00b02"}, []string{"1.02_03", "v1.2.3"}},
	} {
		for _, v := range tt.doubtful {
			if !Doubtful(s, v) {
				t.Errorf("%s %q is not doubtful", s.Name(), v)
			}
		}
		for _, v := range tt.sure {
			if Doubtful(s, v) {
				t.Errorf("%s %q is doubtful", s.Name(), v)
			}
		}
	}
}
