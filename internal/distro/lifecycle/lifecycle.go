// Package lifecycle maps software that no distribution maintains, the runtimes and
// servers that images install themselves, to products of endoflife.date.
package lifecycle

import (
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// products maps vendor and product of a CPE to endoflife.date's product. OpenJDK is
// missing: how long a version is supported depends on its builder, which the binary
// does not name. https://endoflife.date/tags (2026-11-24)
var products = map[string]string{
	"apache:http_server":                "apache-http-server",
	"apache:tomcat":                     "tomcat",
	"elastic:elasticsearch":             "elasticsearch",
	"eclipse:temurin":                   "eclipse-temurin",
	"haproxy:haproxy":                   "haproxy",
	"mariadb:mariadb":                   "mariadb",
	"mongodb:mongodb":                   "mongodb",
	"nginx:nginx":                       "nginx",
	"f5:nginx":                          "nginx",
	"nodejs:node.js":                    "nodejs",
	"openssl:openssl":                   "openssl",
	"oracle:mysql":                      "mysql",
	"perl:perl":                         "perl",
	"php:php":                           "php",
	"postgresql:postgresql":             "postgresql",
	"pivotal_software:rabbitmq":         "rabbitmq",
	"vmware:rabbitmq":                   "rabbitmq",
	"python:python":                     "python",
	"python_software_foundation:python": "python",
	"redis:redis":                       "redis",
	"redislabs:redis":                   "redis",
	"ruby-lang:ruby":                    "ruby",
	"rust-lang:rust":                    "rust",
	"sqlite:sqlite":                     "sqlite",
}

// goProduct is the product of the standard library in binaries.
const goProduct = "go"

// Products lists the products that Of names, sorted.
func Products() []string {
	all := append(slices.Collect(maps.Values(products)), goProduct)
	slices.Sort(all)
	return slices.Compact(all)
}

// Of returns the product of a package, and the possible release cycles of its version,
// the longest first: "1.1.1", "1.1" and "1". ok is false for OS packages and what they
// own, which a distribution patches longer than upstream does, and for unknown
// software.
func Of(p *assay.Package) (product string, cycles []string, ok bool) {
	if p.IsSystem() || p.Owner != "" {
		return "", nil, false
	}
	if p.Type == assay.TypeGo && p.Name == "stdlib" {
		product = goProduct
	}
	for _, c := range p.CPEs {
		if part := strings.SplitN(c, ":", 6); len(part) > 4 && product == "" {
			product = products[part[3]+":"+part[4]]
		}
	}
	if product == "" {
		return "", nil, false
	}
	return product, prefixes(strings.TrimPrefix(p.Version, "v")), true
}

// maxNumbers bounds the numbers in the name of a cycle: OpenSSL's 1.1.1 has three.
const maxNumbers = 3

// prefixes lists the leading numbers of a version, the longest first.
func prefixes(version string) (out []string) {
	if i := strings.IndexFunc(version, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }); i >= 0 {
		version = version[:i]
	}
	numbers := strings.Split(strings.Trim(version, "."), ".")
	for n := min(maxNumbers, len(numbers)); n > 0; n-- {
		if s := strings.Join(numbers[:n], "."); s != "" {
			out = append(out, s)
		}
	}
	return out
}
