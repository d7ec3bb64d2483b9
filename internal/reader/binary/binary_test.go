package binary

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func TestTable(t *testing.T) {
	classes, err := parse(classesText)
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	cpe := regexp.MustCompile(`^[a-z0-9_-]+:[a-z0-9_.\\/+-]+$`)
	for _, c := range classes {
		if !name.MatchString(c.name) || len(c.globs) == 0 || len(c.find) == 0 {
			t.Errorf("class %+v", c)
		}
		for _, s := range c.cpes {
			if !cpe.MatchString(s) {
				t.Errorf("%s: CPE %q", c.name, s)
			}
		}
		for _, g := range c.globs {
			if !strings.HasPrefix(g, "**/") || strings.Count(g, "/") != 1 {
				t.Errorf("%s: glob %q", c.name, g)
			}
		}
		for _, s := range c.find {
			if s.re().NumSubexp() != 1 {
				t.Errorf("%s: %s has %d groups", c.name, s.text, s.re().NumSubexp())
			}
			for _, l := range s.literals {
				if len(l) < 4 || len(l) >= overlap {
					t.Errorf("%s: filter %q", c.name, l)
				}
			}
		}
	}
}

// TestSnippets reads pieces of genuine programs; the directory names the version.
func TestSnippets(t *testing.T) {
	dir := corpus.Path(t, "conformance/syft/binary-snippets")
	versions, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(versions) < 100 {
		t.Fatalf("%d folders, %v", len(versions), err)
	}
	for _, folder := range versions {
		rel, _ := filepath.Rel(dir, folder)
		t.Run(rel, func(t *testing.T) {
			facts, errs := contract.ReadDir(t, Classifier{}, folder)
			var got []string
			for path, f := range facts {
				if errs[path] != nil {
					t.Error(errs[path])
				}
				for _, p := range f.Packages {
					if !slices.Contains(got, p.Ref()) {
						got = append(got, p.Ref())
					}
				}
			}
			want := filepath.Base(folder)
			if other, ok := differently[rel]; ok {
				want = other
			}
			if len(got) != 1 || !strings.HasSuffix(got[0], "@"+want) {
				t.Errorf("%q, want %s", got, want)
			}
		})
	}
}

// differently are directories that do not name the version as the file has it.
var differently = map[string]string{
	"fluent-bit/1.7.0-dev-3":                 "1.7.0",
	"go-version-hint/1.15-dev":               "1.15",
	"go-version-hint/1.15w":                  "1.15",
	"go-version-hint/1.25w":                  "1.25",
	"grafana/12.3.2-security-01":             "12.3.2+security-01",
	"java-jre-openjdk/11.0.17":               "11.0.17+8-LTS",
	"java-jre-openjdk-arm64-eclipse/11.0.22": "11.0.22+7",
	"java-jre-oracle/19.0.1":                 "19.0.1+10-21",
}

func TestClassifier(t *testing.T) {
	for _, tt := range []struct {
		name, path, in string
		want           []string // Ref, then CPEs
	}{
		{"nginx", "usr/sbin/nginx", "\x00nginx version: nginx/1.25.3\n", []string{"nginx@1.25.3", "cpe:2.3:a:f5:nginx:1.25.3:*:*:*:*:*:*:*", "cpe:2.3:a:nginx:nginx:1.25.3:*:*:*:*:*:*:*"}},
		{"no nginx", "usr/sbin/nginx", "nginx version: other/1.25.3\n", nil},
		{"another name", "usr/sbin/nginy", "\x00nginx version: nginx/1.25.3\n", nil},
		{"MariaDB under MySQL's name, which has MySQL's words", "usr/sbin/mysqld", "\x008.0.34\x00mysql_real_escape_string_quote\x00 5.5.5-10.6.15-MariaDB\x00", []string{"mariadb@10.6.15", "cpe:2.3:a:mariadb:mariadb:10.6.15:*:*:*:*:*:*:*"}},
		{"Percona's server", "usr/sbin/mysqld", "/BUILD/percona-server-8.0.35-27/x\x00/mysql-8.0.35/", []string{"percona-server@8.0.35", "cpe:2.3:a:percona:percona_server:8.0.35:*:*:*:*:*:*:*"}},
		{"MySQL", "usr/bin/mysql", "/BUILD/mysql-8.0.35/mysys/", []string{"mysql@8.0.35", "cpe:2.3:a:oracle:mysql:8.0.35:*:*:*:*:*:*:*", "cpe:2.3:a:mysql:mysql:8.0.35:*:*:*:*:*:*:*"}},
		{"Redis of a container's build", "usr/local/bin/redis-server", "\x00payload %5\x007.2.10debf12a4e7c1-1699999999000000000\x00", []string{"redis@7.2.10", "cpe:2.3:a:redis:redis:7.2.10:*:*:*:*:*:*:*", "cpe:2.3:a:redislabs:redis:7.2.10:*:*:*:*:*:*:*"}},
		{"Redis, digits that run on", "usr/local/bin/redis-server", "\x002.8.230dafd4b5f9f6-1462000000\x00", []string{"redis@2.8.23", "cpe:2.3:a:redis:redis:2.8.23:*:*:*:*:*:*:*", "cpe:2.3:a:redislabs:redis:2.8.23:*:*:*:*:*:*:*"}},
		{"Redis of a distribution", "usr/bin/redis-cli", "\x007.0.151790282056000000000\x00%llx", []string{"redis@7.0.15", "cpe:2.3:a:redis:redis:7.0.15:*:*:*:*:*:*:*", "cpe:2.3:a:redislabs:redis:7.0.15:*:*:*:*:*:*:*"}},
		{"Valkey under Redis's name", "usr/bin/redis-server", "\x008.0.1buildkitsandbox-1699999999000000000\x00valkey", []string{"valkey@8.0.1", "cpe:2.3:a:lfprojects:valkey:8.0.1:*:*:*:*:*:*:*"}},
		{"Valkey", "usr/bin/valkey-server", "\x00valkey\x008.0.1buildkitsandbox-1699999999000000000\x00 7.2.4", []string{"valkey@8.0.1", "cpe:2.3:a:lfprojects:valkey:8.0.1:*:*:*:*:*:*:*"}},
		{"OpenSSL", "usr/lib/libcrypto.so.1.1", "OpenSSL 1.1.1w  11 Sep 2023", []string{"openssl@1.1.1w", "cpe:2.3:a:openssl:openssl:1.1.1w:*:*:*:*:*:*:*"}},
		{"BoringSSL", "usr/lib/libcrypto.so", "OpenSSL 1.1.1 (compatible; BoringSSL)", nil},
		{"LibreSSL", "usr/bin/openssl", "\x00LibreSSL 3.8.2\x00", []string{"libressl@3.8.2", "cpe:2.3:a:openbsd:libressl:3.8.2:*:*:*:*:*:*:*"}},
		{"Java's build is not in the CPE", "jdk/bin/java", "\x00openjdk\x00java\x000.0\x0021.0.2+13-LTS\x00", []string{"openjdk@21.0.2+13-LTS", "cpe:2.3:a:oracle:openjdk:21.0.2:*:*:*:*:*:*:*"}},
		{"IBM's Java", "jre/bin/java", "\x00java\x001.8\x00\x00\x00\x001.8.0-foreman_2022_09_22_15_30-b00\x00", []string{"ibm-java@1.8.0-foreman_2022_09_22_15_30-b00",
			"cpe:2.3:a:ibm:java:1.8.0-foreman_2022_09_22_15_30-b00:*:*:*:*:*:*:*", "cpe:2.3:a:ibm:java_sdk:1.8.0-foreman_2022_09_22_15_30-b00:*:*:*:*:*:*:*"}},
		{"GraalVM", "jdk/bin/java", "\x00openjdk\x00java\x000.0\x0017.0.3+7-jvmci-22.1-b06\x00", []string{"graalvm@17.0.3+7-jvmci-22.1-b06", "cpe:2.3:a:oracle:graalvm:17.0.3:*:*:*:*:*:*:*"}},
		{"HAProxy, which speaks of others of its versions", "haproxy", "as of HAProxy version 2.5 \x00 version 2.6.12-1, released 2026/10/17\x00", []string{"haproxy@2.6.12", "cpe:2.3:a:haproxy:haproxy:2.6.12:*:*:*:*:*:*:*"}},
		{"Erlang's plus sign and slash", "OTP_VERSION", "25.2.3\n", []string{"erlang@25.2.3", `cpe:2.3:a:erlang:erlang\/otp:25.2.3:*:*:*:*:*:*:*`, "cpe:2.3:a:erlang:otp:25.2.3:*:*:*:*:*:*:*"}},
		{"grafana's security release", "bin/grafana", "\x00\x00release-12.3.2+security-01\x00", []string{"grafana@12.3.2+security-01", `cpe:2.3:a:grafana:grafana:12.3.2\+security-01:*:*:*:*:*:*:*`}},
		{"some VERSION", "app/VERSION", "1.2.3\n", nil},
		{"empty", "usr/bin/bash", "", nil},
		{"across two parts of the search", "usr/bin/bash", strings.Repeat("x", window-10) + "@(#)Bash version 5.2.15(1) release GNU\x00", []string{"bash@5.2.15", "cpe:2.3:a:gnu:bash:5.2.15:*:*:*:*:*:*:*"}},
		{"a version after the part that is in hand", "usr/bin/bash", strings.Repeat("x", window-18) + "@(#)Bash version 5.2.15(1) release GNU\x00", []string{"bash@5.2.15", "cpe:2.3:a:gnu:bash:5.2.15:*:*:*:*:*:*:*"}},
		{"what counts more comes later", "usr/bin/php8.2", strings.Repeat("\x00", 2*window) + "X-Powered-By: PHP/8.2.36\r\n", []string{"php@8.2.36", "cpe:2.3:a:php:php:8.2.36:*:*:*:*:*:*:*"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Classifier{}, tt.path, tt.in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range facts.Packages {
				got = append(append(got, p.Ref()), p.CPEs...)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestFullFiles holds that a version is found in what a whole program has around it, which
// differs from what short extracts have.
func TestFullFiles(t *testing.T) {
	const run = "\x001.3.0.1-motley-82a5fec\x001.34.3\x001.64.0\x009.2.1\x006.21.0\x00"
	const parts = " deflate 1.3.0.1 Copyright 1995-2023 \x00c-ares library initialization not yet performed\x00The user callback function failed\x00"
	for _, tt := range []struct {
		name, path, in string
		want           []string
	}{
		{"helm", "usr/local/bin/helm", "\x00\x00v3.11.1\x00cheddar\x00", []string{"helm@3.11.1"}},
		{"helm, a number before", "usr/local/bin/helm", "\x00\xf0?v3.11.1\x00v9.9.9", []string{"helm@3.11.1"}},
		{"helm, by the linker's flags", "usr/local/bin/helm", "build\t-ldflags=\"-w -s -X helm.sh/helm/v3/internal/version.version=v3.10.3 -X helm.sh/helm/v3/internal/version.metadata=\"\n", []string{"helm@3.10.3"}},
		{"helm, of which only modules have versions", "usr/local/bin/helm", "dep\tgithub.com/Masterminds/sprig/v3\tv3.2.3\th1:x\n go1.21.1 v3.2.1 text", nil},
		{"traefik 1", "traefik", "\x00\xe0?v1.7.34\x00", []string{"traefik@1.7.34"}},
		{"traefik 2", "usr/local/bin/traefik", "\x00\x00\xf8@2.10.7\x00saintmarcelin\x00", []string{"traefik@2.10.7"}},
		{"traefik, by the linker's flags", "traefik", "-X github.com/traefik/traefik/v3/pkg/version.Version=3.0.4 -X", []string{"traefik@3.0.4"}},
		{"ingress-nginx", "nginx-ingress-controller", "\x00\x00v1.9.4\x00git-846d251814\x00", []string{"ingress-nginx@1.9.4"}},
		{"ingress-nginx, a number before", "nginx-ingress-controller", "\xcd\xec@v1.9.4\x00", []string{"ingress-nginx@1.9.4"}},
		{"ingress-nginx of old", "nginx-ingress-controller", "\x00nginx-0.30.0\x00", []string{"ingress-nginx@0.30.0"}},
		{"deno", "bin/deno", "user agent Deno/2.1.4 \x00", []string{"deno@2.1.4"}},
		{"consul 1.7", "bin/consul", "\x00v1.7.0\x0095fb95bfa6\x00", []string{"consul@1.7.0"}},
		{"consul 1.12", "bin/consul", "\x00\xf0?1.12.9+ent\x00", []string{"consul@1.12.9"}},
		{"consul with its pages", "bin/consul", "<!-- CONSUL_VERSION: 1.15.4 -->\x001.2.3\x00", []string{"consul@1.15.4"}},
		{"erlang of a distribution", "erts-13.1.5/bin/beam.smp", "Erlang/OTP 25 [erts-13.1.5]\x0013.1.5\x00\x0025.2.3\x00", []string{"erlang@25.2.3"}},
		{"erlang, by its directory", "erts/bin/erlexec", " -I/build/erlang-25.2.3+dfsg/erts/x86_64 ", []string{"erlang@25.2.3"}},
		{"erlang's own image", "erts/bin/erlexec", "/usr/src/otp_src_26.2.1/erts/", []string{"erlang@26.2.1"}},
		{"MySQL Cluster's server", "usr/sbin/mysqld", "\x00mysql-5.7.44 ndb-7.6.28\x00", []string{"mysql-cluster@7.6.28", "mysql@5.7.44"}},
		{"MySQL Cluster's server, by its directory", "usr/sbin/mysqld", "/BUILD/mysql-cluster-gpl-8.0.35/sql/\x008.0.35-cluster\x00mysql_real_escape_string_quote\x00", []string{"mysql-cluster@8.0.35", "mysql@8.0.35"}},
		{"php-cli", "usr/bin/php-cli8.2", "X-Powered-By: PHP/8.2.36\x00", []string{"php@8.2.36"}},
		{"zstd's library", "usr/lib/libzstd.so.1.5.4", "iA\x03v\x001.5.4\x00", []string{"zstd@1.5.4"}},
		{"zstd's library, after a table", "x.libs/libzstd-1a2b3c4d.so.1.5.5", "\x07\xfe1.5.5\x00", []string{"zstd@1.5.5"}},
		{"jq after a release", "usr/bin/jq", "\x001.5-1\x00", []string{"jq@1.5"}},
		{"jq of a commit", "usr/bin/jq", "\x001.5-1-a5b5cbe\x00", []string{"jq@1.5"}},
		{"varnish 4.0", "usr/sbin/varnishd", "varnish-4.0.5\x00revision %s\x00", []string{"varnish@4.0.5"}},
		{"varnish 4.0, of which the name is elsewhere", "usr/lib/varnish/libvarnish.so", "varnish\x004.0.5\x0007eff4c29\x00", []string{"varnish@4.0.5"}},
		{"a wheel's OpenSSL", "site-packages/psycopg2_binary.libs/libcrypto-ea28cefb.so.1.1", "\x00OpenSSL 1.1.1k  25 Mar 2021\x00", []string{"openssl@1.1.1k"}},
		{"a wheel's libssl", "site-packages/x.libs/libssl-3d69114b.so.1.1.1k", "\x00OpenSSL 1.1.1k  25 Mar 2021\x00", []string{"openssl@1.1.1k"}},
		{"a wheel's zlib", "site-packages/x.libs/libz-eb09ad1d.so.1.2.3", " deflate 1.2.3 Copyright 1995-2005 Jean-loup Gailly ", []string{"zlib@1.2.3"}},
		{"a distribution's zlib", "usr/lib/libz.so.1.2.3", " deflate 1.2.3 Copyright 1995-2005 Jean-loup Gailly ", nil},
		{"a wheel's libpng", "x.libs/libpng16-819ff2d8.so.16.39.0", "\n libpng version 1.6.39 - November 20, 2022", []string{"libpng@1.6.39"}},
		{"a wheel's expat", "x.libs/libexpat-36a5a0e2.so.1.8.1", "\x00expat_2.4.1\x00", []string{"expat@2.4.1"}},
		{"a wheel's libtiff, libssh2 and bzip2", "x.libs/libtiff-1.so.5", "LIBTIFF, Version 4.2.0\n", []string{"libtiff@4.2.0"}},
		{"a wheel's libssh2", "x.libs/libssh2-1.so.1", "\x00SSH-2.0-libssh2_1.9.0\x00", []string{"libssh2@1.9.0"}},
		{"a wheel's bzip2", "x.libs/libbz2-a273e504.so.1.0.6", "\x001.0.6, 6-Sept-2010\x00", []string{"bzip2@1.0.6"}},
		{"what Node.js has inside", "usr/local/bin/node", "node.js/v22.12.0\x00OpenSSL 3.0.15+quic 3 Sep 2024\x00" + parts + run,
			[]string{"node@22.12.0", "openssl@3.0.15", "zlib@1.3.0.1", "c-ares@1.34.3", "nghttp2@1.64.0"}},
		{"Node.js with the system's libraries", "usr/bin/node", "node.js/v18.20.4\x00" + run, []string{"node@18.20.4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, in := range []string{tt.in, strings.Repeat("\x00\x7fx1.2", window/6) + tt.in + strings.Repeat("\x03", window)} {
				facts, err := contract.Read(t, Classifier{}, tt.path, in)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, p := range facts.Packages {
					got = append(got, p.Ref())
					if len(p.CPEs) == 0 {
						t.Errorf("%s: no CPE", p.Ref())
					}
				}
				slices.Sort(got)
				want := slices.Sorted(slices.Values(tt.want))
				if !slices.Equal(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, in := range []string{"files x", "[a]\nwhat x", "[a]\nfind \"abcd\" x", "[a]\nfind (?P<version>x)", "[a]\nfind \"ab (?P<version>x)", "[a]\nfind 99999999999999999999 \"abcd\" (?P<version>x)", "[a]\nnot x"} {
		if _, err := parse(in); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Classifier{}, map[string]string{
		"usr/sbin/nginx":  "\x00nginx version: nginx/1.25.3\n",
		"usr/bin/python3": "\x003.8.16\x00<prefix>/lib/pythonX.X\x00",
		"usr/bin/mysqld":  "\x008.0.34\x00mysql_real_escape_string_quote\x00 5.5.5-10.6.15-MariaDB\x00",
	})
}

func FuzzRead(f *testing.F) {
	f.Add("nginx", "\x00nginx version: nginx/1.25.3\n")
	f.Add("grafana", "\x00\x00release-12.3.2+security-01\x00")
	f.Add("vault", "0x%016x1.14.101.49.22123-abc")
	f.Fuzz(func(t *testing.T, name, content string) { contract.Read(t, Classifier{}, name, content) })
}
