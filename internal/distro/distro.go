// Package distro knows the distributions: which stream of advisories speaks of
// an image, by which names and versions it speaks, and whose packages are not
// the distribution's own.
package distro
