package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// line is a package in one line: what a test compares.
func line(p assay.Package) string {
	s := p.Ref()
	if p.Relation != "" {
		s += " " + string(p.Relation)
	}
	if p.Dev {
		s += " dev"
	}
	if len(p.DependsOn) > 0 {
		s += " -> " + strings.Join(p.DependsOn, " ")
	}
	if len(p.Licences) > 0 {
		s += " (" + strings.Join(p.Licences, "; ") + ")"
	}
	return s
}

func lines(ps []assay.Package) (out []string) {
	for _, p := range ps {
		if p.Type != assay.TypeNPM {
			out = append(out, "type "+p.Type)
		}
		out = append(out, line(p))
	}
	return out
}

func check(t *testing.T, got assay.Facts, err error, want []string, wantErr string) {
	t.Helper()
	l := lines(got.Packages)
	slices.Sort(l)
	want = slices.Sorted(slices.Values(want))
	if d := cmp.Diff(want, l); d != "" {
		t.Error(d)
	}
	contract.Failed(t, err, wantErr)
}

const sampleManifest = `{"files": ["a\"]", {"name": "no"}], "name": "a", "x": {"version": "9"}, "version": "1.0.0", "license": "MIT", "n": -1.5e3, "t": true}`

func TestInstalled(t *testing.T) {
	const in = "app/node_modules/a/package.json"
	for _, tt := range []struct {
		name, path, in string
		want           []string
		err            string
	}{
		{"package", in, sampleManifest, []string{"a@1.0.0 (MIT)"}, ""},
		{"mark and escapes", in, "\ufeff {\"name\":\"\\u0061\\/b\",\"name\" : \"b\\u002dc\", \"version\":\" v1.0\\n\"}\n", []string{"b-c@v1.0"}, ""},
		{"licences", in, `{"name":"a","version":"1","license":{"type":"ISC"},"licenses":["x"]}`, []string{"a@1 (ISC)"}, ""},
		{"list of licences", in, `{"name":"a","version":"1","licenses":[{"type":"MIT","url":""},"BSD",5,{"name":"X"}]}`, []string{"a@1 (MIT; BSD; X)"}, ""},
		{"needs", in, `{"name":"a","version":"1","dependencies":{"c":"1","@s/b":"*","../x":"1"},"optionalDependencies":{"c":"1","d":"1"},"devDependencies":{"e":"1"}}`, []string{"a@1 -> @s/b c d"}, ""},
		{"scope", "node_modules/@s/n/package.json", `{"name":"@s/n","version":"1"}`, []string{"@s/n@1"}, ""},
		{"name of the folder", "node_modules/@s/n/package.json", `{"version":"1"}`, []string{"@s/n@1"}, ""},
		{"a scope's folder", "node_modules/@s/package.json", sampleManifest, nil, ""},
		{"hidden folder", "node_modules/.cache/package.json", sampleManifest, nil, ""},
		{"inside a package", "node_modules/a/esm/package.json", sampleManifest, nil, ""},
		{"a package's tests", "node_modules/@s/test/test/node_modules/a/package.json", sampleManifest, []string{"a@1.0.0 (MIT)"}, ""},
		{"a package called test", "node_modules/@s/test/node_modules/test/node_modules/a/package.json", sampleManifest, []string{"a@1.0.0 (MIT)"}, ""},
		{"a project's tests", "test/node_modules/a/package.json", sampleManifest, []string{"a@1.0.0 (MIT)"}, ""},
		{"store", "node_modules/.pnpm/a@1.0.0/node_modules/a/package.json", sampleManifest, []string{"a@1.0.0 (MIT)"}, ""},
		{"Debian's", "usr/share/nodejs/a/package.json", sampleManifest, []string{"a@1.0.0 (MIT)"}, ""},
		{"marker", in, `{"type":"module"}`, nil, ""},
		{"name only", in, `{"name":"a"}`, nil, "package a has no version"},
		{"null", in, `{"name":null,"version":null}`, nil, ""},
		{"application", "app/package.json", sampleManifest, []string{"a@1.0.0 root (MIT)"}, ""},
		{"application without a version", "app/package.json", `{"name":"a"}`, nil, ""},
		{"application without a name", "app/package.json", `{"version":"1"}`, nil, ""},
		{"HTML", in, `{"name":"a","version":"<b>1</b>"}`, nil, `version "<b>1</b>"`},
		{"a template", in, `{"name":"a","version":"VERSION"}`, nil, `"VERSION"`},
		{"a list", in, `{"name":["a"],"version":"1"}`, nil, "name is not a string"},
		{"a bad name", in, `{"name":"a b","version":"1"}`, nil, `"a b"`},
		{"empty", in, "", nil, "not a JSON object"},
		{"an empty object", in, "{}", nil, ""},
		{"cut", in, sampleManifest[:60], nil, "invalid JSON"},
		{"no colon", in, `{"name" "a"}`, nil, "offset 8"},
		{"no comma", in, `{"name":"a" "version":"1"}`, nil, "invalid JSON"},
		{"no value", in, `{"name":,"version":"1"}`, nil, "invalid JSON"},
		{"something behind", in, `{"name":"a","version":"1"} x`, nil, "invalid JSON"},
		{"deep", in, `{"x":` + strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6) + `,"name":"a","version":"1"}`, []string{"a@1"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Installed{}, tt.path, tt.in)
			check(t, facts, err, tt.want, tt.err)
		})
	}
}

const (
	sampleLock3 = `{"name": "app", "version": "0.1.0", "lockfileVersion": 3, "packages": {
		"": {"name": "app", "version": "0.1.0", "license": "ISC", "workspaces": ["packages/*"], "dependencies": {"a": "^1", "alias": "npm:real@1", "w": "*"}, "devDependencies": {"d": "1"}},
		"node_modules/a": {"version": "1.0.0", "license": ["MIT", "X"], "dependencies": {"b": "^2", "gone": "1"}, "peerDependencies": {"d": "1"}},
		"node_modules/a/node_modules/b": {"version": "2.0.0", "optionalDependencies": {"c": "1"}},
		"node_modules/b": {"version": "1.0.0"},
		"node_modules/c": {"version": "1.0.0", "optional": true, "devOptional": true, "requires": true},
		"node_modules/alias": {"name": "real", "version": "1.0.0"},
		"node_modules/d": {"version": "1.0.0", "dev": true, "dependencies": {"b": "1"}},
		"node_modules/w": {"resolved": "packages/w", "link": true},
		"node_modules/broken": {"optional": true},
		"packages/w": {"version": "0.2.0", "dependencies": {"b": "^1"}},
		"packages/x": {"name": "x", "dependencies": {"c": "^1"}},
		"packages/w/node_modules/@s/n": {"version": "3.0.0"}}}`
	sampleLock1 = `{"name": "app", "version": "0.1.0", "lockfileVersion": 1, "requires": true, "dependencies": {
		"a": {"version": "1.0.0", "requires": {"b": "^2", "gone": "1"}, "dependencies": {"b": {"version": "2.0.0", "requires": {"c": "1"}}}},
		"b": {"version": "1.0.0", "requires": true},
		"c": {"version": "npm:real@1.0.0", "resolved": false, "dev": true, "dependencies": {"e": {"version": "1.0.0"}}},
		"t": {"version": "https://example.org/t/-/t-1.2.3.tgz"},
		"g": {"version": "git+https://example.org/g.git#00"},
		"tagged": {"version": "git+ssh://git@github.com/o/tagged.git#98ed4a1b2c3d4e5f60718293a4b5c6d7e8f90a1b", "from": "github:o/tagged#v1.2.3"},
		"branch": {"version": "github:o/branch#98ed4a1b2c3d4e5f60718293a4b5c6d7e8f90a1b", "from": "github:o/branch#main"},
		"here": {"version": "file:../here"}}}`
	sampleYarn1 = "# yarn lockfile v1\r\n\r\n\"@s/n@^1.0.0\", \"@s/n@>= 1, < 2\":\r\n  version \"1.5.0\"\r\n  resolved \"https://example.org/@s/n/-/n-1.5.0.tgz#00\"\r\n" +
		"  dependencies:\n    b \"^2.0.0\"\n    \"@s/m\" \"*\"\n  optionalDependencies:\n    c \"1\"\n\n\"@s/m@*\":\n  version \"3.0.0\"\n\nb@^1.0.0:\n  version \"1.0.0\"\n\nb@^2.0.0:\n  version \"2.0.0\"\n\n\"c@npm:real@1\":\n  version \"1.1.0\"\n\n" +
		"alias@^1:\n  version \"1.0.0\"\n  resolved \"https://example.org/%40o%2fother/-/other-1.0.0.tgz\"\n\n\"g@git+https://example.org/g.git#v1\":\n  version \"4.0.0\"\n\n\"here@file:./here\":\n  version \"0.0.0\"\n\nbare@1:\n  resolved \"x\"\n"
	sampleBerry = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"a@npm:^1.0.0, a@npm:^1.2.0\":\n  version: 1.2.3\n  resolution: \"a@npm:1.2.3\"\n  dependencies:\n    b: \"npm:^1.0.0\"\n  peerDependencies:\n    d: \"*\"\n  dependenciesMeta:\n    b:\n      optional: true\n  checksum: 00\n  languageName: node\n  linkType: hard\n\n" +
		"? \"b@npm:^1.0.0, b@npm:1\"\n:\n  version: 1.0.0\n  resolution: \"b@npm:1.0.0\"\n\n\"b@patch:b@npm%3A^1.0.0#./p.patch\":\n  version: 1.0.0\n  resolution: \"b@patch:b@npm%3A1.0.0#./p.patch::version=1.0.0\"\n\n" +
		"\"alias@npm:real@^2\":\n  version: 2.0.0\n  resolution: \"real@npm:2.0.0\"\n\n\"d@npm:^4\":\n  version: 4.0.0\n  resolution: \"d@npm:4.0.0\"\n  dependencies:\n    b: ^0.9.0\n\n" +
		"\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    a: ^1.0.0\n    d: ^4\n    w: \"workspace:*\"\n\n\"w@workspace:*, w@workspace:packages/w\":\n  version: 0.0.0-use.local\n  resolution: \"w@workspace:packages/w\"\n  dependencies:\n    alias: \"npm:real@^2\"\n  languageName: unknown\n\n\"l@link:../l::locator=app\":\n  version: 0.0.0-use.local\n  resolution: \"l@link:../l::locator=app\"\n"
	samplePNPM5 = "lockfileVersion: 5.4\nspecifiers:\n  a: ^1\ndependencies:\n  a: 1.0.0_@s+n@2.0.0\n  alias: /real/1.0.0\n  w: link:../w\ndevDependencies:\n  '@s/n': 2.0.0\npackages:\n  /a/1.0.0_@s+n@2.0.0:\n    dependencies:\n      b: 1.0.0\n      g: github.com/o/g/00\n    dev: false\n  /b/1.0.0:\n    dev: false\n  /@s/n/2.0.0:\n    dev: true\n  /real/1.0.0: {dev: false}\n  github.com/o/g/00:\n    name: g\n    version: 3.0.0\n    dev: false\n  example.org/h/4.0.0: {dev: false}\n  file:../here:\n    resolution: {directory: ../here, type: directory}\n    name: here\n"
	samplePNPM6 = "lockfileVersion: '6.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0(@s/n@2.0.0)\n  packages/w:\n    optionalDependencies:\n      alias:\n        specifier: npm:real@1\n        version: /real@1.0.0\n    devDependencies:\n      '@s/n': {specifier: '2', version: 2.0.0}\npackages:\n  /a@1.0.0(@s/n@2.0.0):\n    dependencies:\n      '@s/n': 2.0.0\n  /@s/n@2.0.0: {}\n  /real@1.0.0: {}\n  '@example.org/x@1.0.0': {}\n"
	samplePNPM9 = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0(@s/n@2.0.0)\n    devDependencies:\n      d: {specifier: '4', version: 4.0.0}\n      alias: {specifier: 'npm:real@1', version: real@1.0.0}\npackages:\n  a@1.0.0:\n    resolution: {integrity: x}\n  '@s/n@2.0.0': {}\n  d@4.0.0: {}\n  real@1.0.0: {}\n  t@https://example.org/t.tgz:\n    resolution: {tarball: https://example.org/t.tgz}\n    version: 5.0.0\n  h@file:../h:\n    resolution: {directory: ../h, type: directory}\nsnapshots:\n  a@1.0.0(@s/n@2.0.0):\n    dependencies:\n      '@s/n': 2.0.0\n      t: https://example.org/t.tgz\n  '@s/n@2.0.0': {}\n  d@4.0.0:\n    optionalDependencies:\n      real: 1.0.0\n  real@1.0.0: {}\n  only@6.0.0: {}\n"
	sampleBun   = "// bun\n{\n \"lockfileVersion\": 1, /* , } */\n \"workspaces\": {\"\": {\"name\": \"app\", \"version\": \"0.1.0\", \"dependencies\": {\"a\": \"1\", \"w\": \"workspace:*\"}, \"devDependencies\": {\"d\": \"1\",},}, \"packages/w\": {\"name\": \"w\", \"version\": \"0.2.0\", \"dependencies\": {\"b\": \"2\"}}},\n \"packages\": {\n" +
		"  \"a\": [\"a@1.0.0\", \"\", {\"dependencies\": {\"b\": \"1\"}}, \"sha512-//,]\"],\n  \"b\": [\"b@1.0.0\", \"\", {}, \"x\"],\n  \"w\": [\"w@workspace:packages/w\"],\n  \"w/b\": [\"b@2.0.0\", \"\", {\"peerDependencies\": {\"@s/n\": \"1\"}}, \"\"],\n  \"d\": [\"real@1.0.0\", \"\", {\"dependencies\": {\"@s/n\": \"1\"}}, \"\"],\n  \"d/@s/n\": [\"@s/n@1.0.0\", \"\", {\"dependencies\": {\"b\": \"*\"}}, \"\"],\n  \"@s/n\": [\"@s/n@2.0.0\", \"\", {}, \"\"],\n  \"g\": [\"g@github:o/g#00\", {}, \"o-g-00\"],\n  \"l\": [\"l@link:x\"],\n },\n}"
	sampleDeno4 = `{"version": "4", "specifiers": {"npm:a@^1": "1.0.0_b@2.0.0", "jsr:@std/x@1": "1.0.0"}, "jsr": {"@std/x@1.0.0": {}}, "npm": {"a@1.0.0_b@2.0.0": {"integrity": "x", "dependencies": ["b", "@s/n@1.0.0"]}, "b@2.0.0": {}, "@s/n@1.0.0": {"optionalDependencies": ["b@2.0.0"]}}}`
	sampleDeno3 = `{"version": "3", "packages": {"specifiers": {"npm:a@1": "npm:a@1.0.0"}, "npm": {"a@1.0.0": {"dependencies": {"c": "b@2.0.0"}}, "b@2.0.0": {"dependencies": {}}}}, "remote": {}}`
	sampleDeno2 = `{"version": "2", "remote": {}, "npm": {"specifiers": {"a@1": "a@1.0.0"}, "packages": {"a@1.0.0": {"dependencies": {"b": "b@2.0.0"}}, "b@2.0.0": {"dependencies": {}}}}}`
)

func TestLocks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reader assay.Reader
		path   string
		in     string
		beside map[string]string
		want   []string
		err    string
	}{
		{"npm 3", NPM{}, "package-lock.json", sampleLock3, map[string]string{"node_modules/b/package.json": `{"name":"b","version":"1.0.0","license":"BSD"}`, "node_modules/c/package.json": `{"name":"c","version":"2.0.0","license":"BSD"}`}, []string{
			"app@0.1.0 root -> a@1.0.0 real@1.0.0 w@0.2.0 (ISC)", "a@1.0.0 direct -> b@2.0.0 d@1.0.0 (MIT; X)", "b@2.0.0 indirect -> c@1.0.0", "b@1.0.0 direct (BSD)", "c@1.0.0 direct", "real@1.0.0 direct", "d@1.0.0 direct dev -> b@1.0.0", "w@0.2.0 workspace -> b@1.0.0", "@s/n@3.0.0 indirect"}, "1 package has no version: broken"},
		{"npm 1", NPM{}, "npm-shrinkwrap.json", sampleLock1, map[string]string{"node_modules/a/node_modules/b/package.json": `{"name":"b","version":"2.0.0","license":"BSD"}`}, []string{
			"a@1.0.0 -> b@2.0.0", "b@2.0.0 -> real@1.0.0 (BSD)", "b@1.0.0", "real@1.0.0 dev", "e@1.0.0 dev", "t@1.2.3", "tagged@1.2.3"}, "2 packages have no version: branch, g"},
		{"npm 1 and a manifest", NPM{}, "package-lock.json", sampleLock1, map[string]string{"package.json": `{"dependencies":{"a":"1"},"devDependencies":{"c":"1"}}`}, []string{
			"a@1.0.0 direct -> b@2.0.0", "b@2.0.0 indirect -> real@1.0.0", "b@1.0.0 indirect", "real@1.0.0 direct dev", "e@1.0.0 indirect dev", "t@1.2.3 indirect", "tagged@1.2.3 indirect"}, ": branch, g"},
		{"another shape", NPM{}, "package-lock.json", `{"packages": {"node_modules/a": {"version": 5}, "node_modules/b": {"version": "1.0.0"}}}`, nil, []string{"b@1.0.0 indirect"}, "malformed"},
		{"very deep", NPM{}, "package-lock.json", strings.Repeat(`{"dependencies":{"a":`, 100) + `{"version":"1.0.0"}` + strings.Repeat("}}", 100), nil, nil, "more than 64 levels deep"},
		{"too deep", NPM{}, "package-lock.json", strings.Repeat(`{"dependencies":{"a":`, 20000), nil, nil, "malformed"},
		{"yarn 1", Yarn{}, "yarn.lock", sampleYarn1, nil, []string{"@s/n@1.5.0 -> @s/m@3.0.0 b@2.0.0 real@1.1.0", "@s/m@3.0.0", "b@1.0.0", "b@2.0.0", "real@1.1.0", "@o/other@1.0.0", "g@4.0.0"}, "no version: bare"},
		{"yarn 1 and a manifest", Yarn{}, "yarn.lock", sampleYarn1, map[string]string{"package.json": `{"name":"app","version":"0.1.0","license":"MIT","dependencies":{"@s/n":"^1.0.0"},"devDependencies":{"b":"^1.0.0"},"workspaces":["w"]}`, "w/package.json": `{"name":"w","version":"0.2.0","dependencies":{"alias":"^1"}}`, "node_modules/b/package.json": `{"name":"b","version":"2.0.0","license":"X"}`}, []string{
			"app@0.1.0 root -> @s/n@1.5.0 (MIT)", "w@0.2.0 workspace -> @o/other@1.0.0", "@s/n@1.5.0 direct -> @s/m@3.0.0 b@2.0.0 real@1.1.0", "@s/m@3.0.0 indirect", "b@1.0.0 direct dev", "b@2.0.0 indirect (X)", "real@1.1.0 indirect", "@o/other@1.0.0 direct", "g@4.0.0 indirect"}, ": bare"},
		{"yarn 1 and workspaces by patterns", Yarn{}, "yarn.lock", "a@1:\n  version \"1.0.0\"\nb@1:\n  version \"1.0.0\"\nc@1:\n  version \"1.0.0\"\n", map[string]string{"package.json": `{"dependencies":{"a":"1"},"devDependencies":{"b":"1"},"workspaces":{"packages":["{w,v}/*","!w/old"]}}`, "w/x/package.json": `{"name":"x","version":"0.1.0","devDependencies":{"c":"1"}}`, "w/old/package.json": `{"dependencies":{"b":"1"}}`}, []string{"x@0.1.0 workspace", "a@1.0.0 direct", "b@1.0.0 direct dev", "c@1.0.0 direct dev"}, ""},
		{"yarn 1 and a member that needs what the project develops with", Yarn{}, "yarn.lock", "a@1:\n  version \"1.0.0\"\nb@1:\n  version \"1.0.0\"\nc@1:\n  version \"1.0.0\"\n", map[string]string{"package.json": `{"devDependencies":{"a":"1","b":"1"},"workspaces":["libs/**"]}`, "libs/deep/x/package.json": `{"dependencies":{"b":"1","c":"1"}}`}, []string{"a@1.0.0 direct dev", "b@1.0.0 direct", "c@1.0.0 direct"}, ""},
		{"yarn 1 and workspaces that cannot be read", Yarn{}, "yarn.lock", "a@1:\n  version \"1.0.0\"\nb@1:\n  version \"1.0.0\"\nc@1:\n  version \"1.0.0\"\n", map[string]string{"package.json": `{"dependencies":{"a":"1"},"devDependencies":{"b":"1"},"workspaces":["../*"]}`}, []string{"a@1.0.0 direct", "b@1.0.0 direct", "c@1.0.0"}, ""},
		{"yarn 1 and a directory", Yarn{}, "yarn.lock", "a@1:\n  version \"1.0.0\"\nb@1:\n  version \"1.0.0\"\n\"h@file:h\":\n  version \"0.0.0\"\n  dependencies:\n    a \"1\"\n\"i@file:i\":\n  version \"0.0.0\"\n  dependencies:\n    b \"1\"\n", map[string]string{"package.json": `{"dependencies":{"h":"file:h"},"devDependencies":{"a":"1","i":"file:i"}}`}, []string{"a@1.0.0 direct", "b@1.0.0 direct dev"}, ""},
		{"Bun and directories", Bun{}, "bun.lock", `{"workspaces":{"":{"name":"app","dependencies":{"h":"file:h"},"devDependencies":{"a":"1","i":"file:i"}}},"packages":{"a":["a@1.0.0","",{},""],"b":["b@1.0.0","",{},""],"h":["h@file:h",{"dependencies":{"a":"1"}}],"i":["i@file:i",{"dependencies":{"b":"1"}}]}}`, nil, []string{"a@1.0.0 direct", "b@1.0.0 direct dev"}, ""},
		{"berry", Yarn{}, "yarn.lock", sampleBerry, nil, []string{"a@1.2.3 direct -> b@1.0.0", "b@1.0.0 indirect", "real@2.0.0 direct", "d@4.0.0 direct -> b@1.0.0"}, ""},
		{"berry and manifests", Yarn{}, "yarn.lock", sampleBerry, map[string]string{"package.json": `{"name":"app","version":"0.1.0","dependencies":{"a":"^1.0.0","w":"workspace:*"},"devDependencies":{"d":"^4"}}`, "packages/w/package.json": `{"name":"w","version":"0.2.0","devDependencies":{"alias":"npm:real@^2"}}`}, []string{
			"app@0.1.0 root -> a@1.2.3", "w@0.2.0 workspace", "a@1.2.3 direct -> b@1.0.0", "b@1.0.0 indirect", "real@2.0.0 direct dev", "d@4.0.0 direct dev -> b@1.0.0"}, ""},
		{"yarn's conflict", Yarn{}, "yarn.lock", "<<<<<<< HEAD\na@1:\n  version \"1.0.0\"\n=======\n", nil, []string{"a@1.0.0"}, "line 1: invalid entry"},
		{"yarn's empty file", Yarn{}, "yarn.lock", "# yarn lockfile v1\n\n\n", nil, nil, ""},
		{"pnpm 5", PNPM{}, "pnpm-lock.yaml", samplePNPM5, map[string]string{"node_modules/.pnpm/@s+n@2.0.0/node_modules/@s/n/package.json": `{"name":"@s/n","version":"2.0.0","license":"X"}`}, []string{"a@1.0.0 direct -> b@1.0.0 g@3.0.0", "b@1.0.0 indirect", "@s/n@2.0.0 direct dev (X)", "real@1.0.0 direct", "g@3.0.0 indirect", "h@4.0.0 indirect"}, ""},
		{"pnpm 6", PNPM{}, "pnpm-lock.yaml", samplePNPM6, nil, []string{"a@1.0.0 direct -> @s/n@2.0.0", "@s/n@2.0.0 direct", "real@1.0.0 direct", "@example.org/x@1.0.0 indirect"}, ""},
		{"pnpm 9", PNPM{}, "pnpm-lock.yaml", samplePNPM9, nil, []string{"a@1.0.0 direct -> @s/n@2.0.0 t@5.0.0", "@s/n@2.0.0 indirect", "d@4.0.0 direct dev -> real@1.0.0", "real@1.0.0 direct dev", "t@5.0.0 indirect", "only@6.0.0 indirect"}, ""},
		{"pnpm without packages", PNPM{}, "pnpm-lock.yaml", "lockfileVersion: '9.0'\n", nil, nil, ""},
		{"bun", Bun{}, "bun.lock", sampleBun, nil, []string{"app@0.1.0 root -> a@1.0.0 w@0.2.0", "w@0.2.0 workspace -> b@2.0.0", "a@1.0.0 direct -> b@1.0.0", "b@1.0.0 indirect", "b@2.0.0 direct -> @s/n@2.0.0", "real@1.0.0 direct dev -> @s/n@1.0.0", "@s/n@1.0.0 indirect dev -> b@1.0.0", "@s/n@2.0.0 indirect"}, "no version: g"},
		{"bun's binary form", Bun{}, "bun.lockb", "x", nil, nil, "unsupported"},
		{"both of bun's", Bun{}, "bun.lockb", "x", map[string]string{"bun.lock": "{}"}, nil, ""},
		{"deno 4", Deno{}, "deno.lock", sampleDeno4, nil, []string{"type jsr", "@std/x@1.0.0 direct", "a@1.0.0 direct -> @s/n@1.0.0 b@2.0.0", "b@2.0.0 indirect", "@s/n@1.0.0 indirect -> b@2.0.0"}, ""},
		{"deno 3", Deno{}, "deno.lock", sampleDeno3, nil, []string{"a@1.0.0 direct -> b@2.0.0", "b@2.0.0 indirect"}, ""},
		{"deno 2", Deno{}, "deno.lock", sampleDeno2, nil, []string{"a@1.0.0 direct -> b@2.0.0", "b@2.0.0 indirect"}, ""},
		{"deno's other shape", Deno{}, "deno.lock", `{"version": "4", "npm": 5}`, nil, nil, "npm: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{tt.path: tt.in}
			for name, content := range tt.beside {
				files[name] = content
			}
			facts, errs := contract.ReadFiles(t, tt.reader, files)
			if _, ok := facts[tt.path]; !ok {
				t.Fatal("not wanted")
			}
			check(t, facts[tt.path], errs[tt.path], tt.want, tt.err)
		})
	}
}

func readers() map[assay.Reader]map[string]string {
	return map[assay.Reader]map[string]string{
		Installed{}: {"node_modules/a/package.json": sampleManifest, "package.json": sampleManifest},
		NPM{}:       {"package-lock.json": sampleLock3, "npm-shrinkwrap.json": sampleLock1},
		Yarn{}:      {"yarn.lock": sampleYarn1, "berry/yarn.lock": sampleBerry},
		PNPM{}:      {"pnpm-lock.yaml": samplePNPM9, "5/pnpm-lock.yaml": samplePNPM5, "6/pnpm-lock.yaml": samplePNPM6 + "---\n" + samplePNPM9},
		Bun{}:       {"bun.lock": sampleBun},
		Deno{}:      {"deno.lock": sampleDeno4, "3/deno.lock": sampleDeno3, "2/deno.lock": sampleDeno2},
	}
}

func TestContract(t *testing.T) {
	for r, samples := range readers() {
		t.Run(r.Name(), func(t *testing.T) { contract.Reader(t, r, samples) })
	}
}

func TestConformance(t *testing.T) {
	dir := corpus.Path(t, "conformance/syft/javascript")
	for _, tt := range []struct {
		reader   assay.Reader
		path     string
		packages int
		err      string
	}{
		{NPM{}, "pkg-lock/package-lock.json", 12, ""},
		{NPM{}, "pkg-lock/package-lock-2.json", 6, ""},
		{NPM{}, "pkg-lock/package-lock-3.json", 6, ""},
		{NPM{}, "pkg-lock/alias-package-lock-1.json", 3, ""},
		{NPM{}, "pkg-lock/alias-package-lock-2.json", 4, ""},
		{NPM{}, "pkg-lock/array-license-package-lock.json", 3, ""},
		{NPM{}, "pkg-lock/nested-package-lock-1.json", 8, ""},
		{NPM{}, "corrupt/package-lock.json", 0, "malformed"},
		{NPM{}, "glob-paths/src/package-lock.json", 0, "malformed"},
		{Yarn{}, "yarn/yarn.lock", 9, ""},
		{Yarn{}, "yarn-v1-deps/yarn.lock", 9, ""},
		{Yarn{}, "yarn-dups/yarn.lock", 5, ""},
		{Yarn{}, "yarn-remote/yarn.lock", 1, ""},
		{Yarn{}, "yarn-dev-deps/yarn.lock", 4, ""},
		{Yarn{}, "yarn-berry/yarn.lock", 9, ""},
		{Yarn{}, "yarn-berry-dups/yarn.lock", 2, ""},
		{Yarn{}, "yarn-berry-dev-deps/yarn.lock", 4, ""},
		{Yarn{}, "glob-paths/src/yarn.lock", 0, "malformed"},
		{PNPM{}, "pnpm/pnpm-lock.yaml", 1, ""},
		{PNPM{}, "pnpm-remote/pnpm-lock.yaml", 1, ""},
		{PNPM{}, "pnpm-v5-peer-suffix/pnpm-lock.yaml", 3, ""},
		{PNPM{}, "pnpm-v6/pnpm-lock.yaml", 10, ""},
		{PNPM{}, "pnpm-v9/pnpm-lock.yaml", 4, ""},
		{PNPM{}, "pnpm-v9-snapshots/pnpm-lock.yaml", 6, ""},
		{PNPM{}, "pnpm-multi-doc/pnpm-lock.yaml", 3, ""},
		{PNPM{}, "corrupt/pnpm-lock.yaml", 0, "malformed"},
		{PNPM{}, "glob-paths/src/pnpm-lock.yaml", 0, "malformed"},
		{Bun{}, "glob-paths/src/bun.lock", 0, ""},
		{Deno{}, "glob-paths/src/deno.lock", 0, ""},
		{Installed{}, "corrupt/package.json", 0, "malformed"},
		{Installed{}, "glob-paths/src/package.json", 0, "malformed"},
		{Installed{}, "pkg-json/package-partial.json", 0, ""},
		{Installed{}, "pkg-json/package-malformed-license.json", 1, ""},
		{Installed{}, "pkg-json/package-license-objects.json", 1, ""},
		{Installed{}, "pkg-lock/node_modules/@actions/core/package.json", 1, ""},
	} {
		t.Run(tt.path, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, tt.path))
			if err != nil {
				t.Fatal(err)
			}
			facts, err := contract.Read(t, tt.reader, tt.path, string(b))
			if len(facts.Packages) != tt.packages || (err != nil) != (tt.err != "") {
				t.Errorf("%d packages, want %d; error %v\n%s", len(facts.Packages), tt.packages, err, strings.Join(lines(facts.Packages), "\n"))
			}
		})
	}
	facts, errs := contract.ReadDir(t, Yarn{}, filepath.Join(dir, "yarn-dups"))
	check(t, facts["yarn.lock"], errs["yarn.lock"], []string{"async@0.9.2", "async@3.2.3", "merge-objects@1.0.5", "@4lolo/resize-observer-polyfill@1.5.2", "should-type@1.3.0"}, "")
	facts, errs = contract.ReadDir(t, Yarn{}, filepath.Join(dir, "yarn-berry-dev-deps"))
	check(t, facts["yarn.lock"], errs["yarn.lock"], []string{"test-project@1.0.0 root -> prod-pkg@1.0.0", "prod-pkg@1.0.0 direct -> shared-pkg@1.0.0", "shared-pkg@1.0.0 indirect", "dev-pkg@1.0.0 direct dev -> dev-only-transitive@1.0.0", "dev-only-transitive@1.0.0 indirect dev"}, "")
}

// TestGolden holds the packages of Trivy's answers, which leave development
// out.
func TestGolden(t *testing.T) {
	for name, r := range map[string]assay.Reader{"npm": NPM{}, "yarn": Yarn{}, "bun": Bun{}} {
		b, err := os.ReadFile(corpus.Path(t, "conformance/trivy/golden/"+name+".json.golden"))
		if err != nil {
			t.Fatal(err)
		}
		var golden struct {
			Results []struct {
				Target   string
				Packages []struct {
					Name, Version, Relationship string
					DependsOn, Licenses         []string
				}
			}
		}
		if err := json.Unmarshal(b, &golden); err != nil {
			t.Fatal(err)
		}
		facts, errs := contract.ReadDir(t, r, corpus.Path(t, "conformance/trivy/repo/"+name))
		for _, result := range golden.Results {
			var want []string
			for _, p := range result.Packages {
				want = append(want, line(assay.Package{Name: p.Name, Version: p.Version, Relation: assay.Relation(p.Relationship), DependsOn: p.DependsOn, Licences: p.Licenses}))
			}
			got := facts[result.Target]
			got.Packages = slices.DeleteFunc(got.Packages, func(p assay.Package) bool { return p.Dev })
			check(t, got, errs[result.Target], want, "")
		}
	}
}

func BenchmarkInstalled(b *testing.B) {
	in := []byte(`{"name": "a", "version": "1.0.0", "scripts": {` + strings.Repeat(`"test": "node \"test\" --all",`, 40) + `"x": "y"}, "license": "MIT"}`)
	f := &assay.File{Path: "node_modules/a/package.json", Size: int64(len(in)), ReaderAt: bytes.NewReader(in)}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if facts, err := (Installed{}).Read(b.Context(), f); err != nil || len(facts.Packages) != 1 {
			b.Fatal(facts, err)
		}
	}
}

func fuzz(f *testing.F, r assay.Reader) {
	file := ""
	for other, samples := range readers() {
		if other.Name() == r.Name() {
			for p, s := range samples {
				file = path.Base(p)
				f.Add([]byte(s))
			}
		}
	}
	if r.Name() == "npm-installed" {
		file = "node_modules/a/package.json"
	}
	f.Fuzz(func(t *testing.T, b []byte) { contract.Read(t, r, file, string(b)) })
}

func FuzzInstalled(f *testing.F) { fuzz(f, Installed{}) }
func FuzzNPM(f *testing.F)       { fuzz(f, NPM{}) }
func FuzzYarn(f *testing.F)      { fuzz(f, Yarn{}) }
func FuzzPNPM(f *testing.F)      { fuzz(f, PNPM{}) }
func FuzzBun(f *testing.F)       { fuzz(f, Bun{}) }
func FuzzDeno(f *testing.F)      { fuzz(f, Deno{}) }

// TestHostile reads what took the square of its size before it was bounded: a
// minute each.
func TestHostile(t *testing.T) {
	var path, pnpm strings.Builder
	path.WriteString(`{"packages":{"` + strings.Repeat("a/", 1<<19) + `b":{"version":"1.0.0","dependencies":{`)
	pnpm.WriteString("lockfileVersion: '9.0'\npackages:\n")
	for i := range 50_000 {
		fmt.Fprintf(&path, `"p%d":"1",`, i)
		fmt.Fprintf(&pnpm, "  p%d@1.0.0: {}\n", i)
	}
	path.WriteString(`"z":"1"}}}}`)
	if facts, _ := contract.Read(t, NPM{}, "package-lock.json", path.String()); len(facts.Packages) > 1 {
		t.Errorf("%d packages", len(facts.Packages))
	}
	if facts, err := contract.Read(t, PNPM{}, "pnpm-lock.yaml", pnpm.String()); len(facts.Packages) != 50_000 || err != nil {
		t.Errorf("%d packages, %v", len(facts.Packages), err)
	}
}
