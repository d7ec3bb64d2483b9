package oci

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// parsePlatform parses os/arch[/variant]. It also accepts the names that uname prints.
func parsePlatform(s string) (Platform, error) {
	f := strings.Split(strings.ToLower(s), "/")
	if len(f) < 2 || len(f) > 3 || slices.Contains(f, "") {
		return Platform{}, fmt.Errorf("platform %q: want os/arch or os/arch/variant, such as linux/arm64: %w", s, assay.ErrMalformed)
	}
	return Platform{f[0], f[1], strings.Join(f[2:], "")}.normal(), nil
}

// normal returns p with the usual name of its architecture, and with the default
// variant left out: arm means arm/v7, arm64 means arm64/v8, amd64 means amd64/v1.
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

// choose selects the manifest for the user's platform. Without one it selects the only
// manifest, or the one for Linux on this machine's architecture. Without a variant it
// prefers the usual one.
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
		return Descriptor{}, fmt.Errorf("index lists no images: %w", assay.ErrMalformed)
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
	return Descriptor{}, fmt.Errorf("no image for %s; choose a platform with --platform: %s: %w", want, strings.Join(names, ", "), assay.ErrNotFound)
}

// CheckPlatform returns ErrNotFound for an image that is not for the user's platform,
// os/arch[/variant]; "" accepts any.
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
		return fmt.Errorf("the image is for %s, not for %s: %w", have, want, assay.ErrNotFound)
	}
	return nil
}
