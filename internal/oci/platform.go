package oci

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// parsePlatform reads os/arch[/variant], also in the words of uname.
func parsePlatform(s string) (Platform, error) {
	f := strings.Split(strings.ToLower(s), "/")
	if len(f) < 2 || len(f) > 3 || slices.Contains(f, "") {
		return Platform{}, fmt.Errorf("platform %q: want os/arch or os/arch/variant, such as linux/arm64: %w", s, assay.ErrMalformed)
	}
	return Platform{f[0], f[1], strings.Join(f[2:], "")}.normal(), nil
}

// normal is p with one name for what has several, and with the variant that
// none stands for: arm is arm/v7, arm64 is arm64/v8, amd64 is amd64/v1.
// https://github.com/containerd/platforms/blob/v1.0.0/database.go
func (p Platform) normal() Platform {
	switch p.Arch {
	case "x86_64", "x86-64":
		p.Arch = "amd64"
	case "i386", "i686":
		p.Arch = "386"
	case "aarch64":
		p.Arch = "arm64"
	case "armhf":
		p.Arch, p.Variant = "arm", "v7"
	case "armel":
		p.Arch, p.Variant = "arm", "v6"
	}
	if p.Variant != "" && p.Variant[0] >= '0' && p.Variant[0] <= '9' {
		p.Variant = "v" + p.Variant
	}
	if std := map[string]string{"arm": "v7", "arm64": "v8", "amd64": "v1"}[p.Arch]; p.Variant == std {
		p.Variant = ""
	}
	return p
}

func (p Platform) String() string { return assay.Platform(p).String() }

// choose picks the manifest for the platform that the user named; for none,
// the only one, or the one for Linux on this machine's architecture. Where no
// variant is asked for the usual one is preferred to others.
func choose(ds []Descriptor, platform string) (Descriptor, error) {
	want := Platform{"linux", runtime.GOARCH, ""}
	if platform != "" {
		var err error
		if want, err = parsePlatform(platform); err != nil {
			return Descriptor{}, err
		}
	}
	switch len(ds) {
	case 0:
		return Descriptor{}, fmt.Errorf("index lists no image: %w", assay.ErrMalformed)
	case 1:
		if platform == "" || ds[0].Platform == nil { // then the configuration decides
			return ds[0], nil
		}
	}
	var other []Descriptor
	for _, d := range ds {
		if d.Platform == nil {
			continue
		}
		if have := d.Platform.normal(); have == want {
			return d, nil
		} else if want.Variant == "" && have.OS == want.OS && have.Arch == want.Arch {
			other = append(other, d)
		}
	}
	if len(other) > 0 {
		return other[0], nil
	}
	var names []string
	for _, d := range ds {
		name := "unknown"
		if d.Platform != nil {
			name = d.Platform.String()
		}
		if len(names) < maxNames && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return Descriptor{}, fmt.Errorf("no image for %s, choose with --platform one of %s: %w", want, strings.Join(names, ", "), assay.ErrNotFound)
}

// CheckPlatform is ErrNotFound for an image that is not for the platform, as
// os/arch[/variant], that the user named; "" is any.
func CheckPlatform(have assay.Platform, platform string) error {
	if platform == "" || have.Arch == "" {
		return nil
	}
	want, err := parsePlatform(platform)
	if err != nil {
		return err
	}
	h := Platform(have).normal()
	if h.OS != want.OS || h.Arch != want.Arch || want.Variant != "" && h.Variant != "" && h.Variant != want.Variant {
		return fmt.Errorf("image is for %s, not for %s: %w", have, want, assay.ErrNotFound)
	}
	return nil
}
