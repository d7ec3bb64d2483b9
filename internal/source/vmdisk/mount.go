package vmdisk

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
)

// maxTab bounds etc/fstab; usual ones have a kilobyte.
const maxTab = 1 << 20

// typed maps partition types to the directories where they are mounted without an entry
// in etc/fstab.
//
// Specification:
// https://uapi-group.org/specifications/specs/discoverable_partitions_specification/
var typed = map[string]string{
	"933ac7e1-2eb4-4f13-b844-0e14e2aef915": "home",
	"3b8f8425-20e0-4f3b-907f-1a25a76f98e8": "srv",
	"4d21b016-b534-45c2-a9fb-5c16e091fd2d": "var",
	"bc13c2ff-59e6-4262-a352-b275fd6f7172": "boot",
	"8484680c-9521-48c6-9c11-b0720656f69e": "usr", // x86-64
	"b0e01050-ee5f-4390-949a-9101b17104e9": "usr", // arm64
}

// A mount is the directory of a volume, relative to the root.
type mount struct {
	volume *volume
	at     string
}

// arrange chooses the root volume and assigns directories to the others.
func (t *tree) arrange(volumes []*volume) (gaps []assay.Gap) {
	systems := slices.DeleteFunc(slices.Clone(volumes), func(v *volume) bool { return t.systemScore(v) < 2 })
	base := slices.MaxFunc(volumes, func(a, b *volume) int { return cmp.Compare(t.systemScore(a), t.systemScore(b)) }) // the first of equals
	if t.systemScore(base) == 0 && len(volumes) > 1 {
		gaps = append(gaps, assay.Gap{Where: "disk", What: "no readable partition contains the root of an operating system"})
	} else {
		t.base = base
	}
	placed := map[*volume]bool{t.base: true}
	if t.base != nil && len(volumes) > 1 {
		for _, m := range t.places(volumes) {
			if at, node, err := t.lookup(place{t.base, t.base.Root()}, m.at); err == nil && node.Mode.IsDir() && !placed[m.volume] && at != (place{t.base, t.base.Root()}) {
				t.mounts[at] = m.volume
				placed[m.volume] = true
			}
		}
	}
	for _, v := range volumes {
		if placed[v] {
			continue
		}
		t.apart = append(t.apart, v)
		switch {
		case t.base == nil:
		case slices.Contains(systems, v):
			gaps = append(gaps, assay.Gap{Where: where(v.Partition), What: fmt.Sprintf("contains another operating system than %s; its OS packages are not read, its files are listed below %s/", where(t.base.Partition), directory(v))})
		default:
			gaps = append(gaps, assay.Gap{Where: where(v.Partition), What: fmt.Sprintf("is not in etc/fstab; its files are listed below %s/, where OS packages are not searched", directory(v))})
		}
	}
	return gaps
}

// systemScore rates how much a volume looks like the root of an operating system.
func (t *tree) systemScore(v *volume) int {
	root := place{v, v.Root()}
	has := func(name string) bool {
		at, _, err := t.lookup(root, path.Dir(name))
		return err == nil && t.child(at, path.Base(name)) != 0
	}
	switch {
	case has("etc/os-release"), has("usr/lib/os-release"):
		return 2
	case has("etc/fstab"), has("usr/lib") && has("var"), has("lib/apk/db/installed"):
		return 1
	}
	return 0
}

// places lists the mounts of the root's etc/fstab, then those by partition type; parent
// directories come first.
func (t *tree) places(volumes []*volume) (ms []mount) {
	tab, err := t.other("etc/fstab", maxTab)
	if err != nil {
		tab = nil
	}
	for line := range strings.Lines(string(tab)) {
		f := strings.Fields(line)
		if len(f) < 2 || strings.HasPrefix(f[0], "#") || !strings.HasPrefix(f[1], "/") {
			continue
		}
		for _, v := range volumes {
			if at := strings.Trim(path.Clean(unescape(f[1])), "/"); v != t.base && at != "" && v.isNamed(unescape(f[0])) {
				ms = append(ms, mount{v, at})
				break
			}
		}
	}
	for _, v := range volumes {
		if at := typed[v.Type]; at != "" && v != t.base && !slices.ContainsFunc(ms, func(m mount) bool { return m.volume == v || m.at == at }) {
			ms = append(ms, mount{v, at})
		}
	}
	slices.SortStableFunc(ms, func(a, b mount) int { return cmp.Compare(strings.Count(a.at, "/"), strings.Count(b.at, "/")) })
	return ms
}

// device matches a partition of a machine's first disk.
var device = regexp.MustCompile(`^/dev/(?:(?:s|v|xv|h)da|(?:nvme0n1|mmcblk0)p)(\d{1,3})$`)

// isNamed reports whether a field of etc/fstab names the volume.
func (v *volume) isNamed(word string) bool {
	if m := device.FindStringSubmatch(word); m != nil {
		n, err := strconv.Atoi(m[1])
		return err == nil && n == v.Number
	}
	key, value, ok := strings.Cut(word, "=")
	if rest, found := strings.CutPrefix(word, "/dev/disk/by-"); found {
		key, value, ok = strings.Cut(rest, "/")
	}
	if value = strings.Trim(value, `"'`); !ok || value == "" {
		return false
	}
	label := v.Label()
	switch strings.ToUpper(key) {
	case "UUID":
		return strings.EqualFold(value, label.UUID)
	case "LABEL":
		return value == label.Name
	case "PARTUUID":
		return strings.EqualFold(value, v.UUID)
	case "PARTLABEL":
		return value == v.Name
	}
	return false
}

var escape = regexp.MustCompile(`\\(?:x[0-9a-fA-F]{2}|[0-7]{3})`)

// unescape replaces the escapes of etc/fstab (\040) and of names below /dev/disk
// (\x20).
func unescape(word string) string {
	return escape.ReplaceAllStringFunc(word, func(s string) string {
		base, digits := 8, s[1:]
		if s[1] == 'x' {
			base, digits = 16, s[2:]
		}
		n, err := strconv.ParseUint(digits, base, 8)
		if err != nil {
			return s
		}
		return string([]byte{byte(n)})
	})
}
