package distro

// debianReleases gives the number of each Debian release by its code name.
// https://www.debian.org/releases/ and https://wiki.debian.org/DebianReleases (2026-11-23);
// "sid" is the rolling one and has no number.
var debianReleases = map[string]string{
	"woody": "3.0", "sarge": "3.1", "etch": "4", "lenny": "5", "squeeze": "6",
	"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11",
	"bookworm": "12", "trixie": "13", "forky": "14", "duke": "15", "sid": "sid",
}

// DebianNumber returns the number of the Debian release with a code name:
// "bookworm" is "12", "sid" is itself.
func DebianNumber(codename string) (number string, ok bool) {
	number, ok = debianReleases[codename]
	return number, ok
}
