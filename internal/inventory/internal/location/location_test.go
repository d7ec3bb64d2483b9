package location

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

// TestLocate: each want is "name version line"; line 0 means that no line is given.
func TestLocate(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          []string
	}{
		{"package-lock.json 3", `{
  "name": "app", "version": "1.0.0",
  "packages": {
    "": {"name": "app", "version": "1.0.0", "dependencies": {"a": "1.0.0"}},
    "node_modules/a": {
      "version": "1.0.0",
      "dependencies": {"@s/b": "2.0.0"}
    },
    "node_modules/a/node_modules/@s/b": {
      "version": "2.0.0"
    },
    "node_modules/@s/b": {
      "version": "2.1.0"
    }
  }
}`, []string{"a 1.0.0 5", "@s/b 2.0.0 9", "@s/b 2.1.0 12", "b 2.0.0 0"}},
		{"package-lock.json 1", `{
  "dependencies": {
    "c": {
      "version": "3.0.0",
      "requires": {
        "a": "1.0.0"
      }
    },
    "a": {
      "version": "1.0.0"
    }
  }
}`, []string{"a 1.0.0 9", "c 3.0.0 3"}},
		{"package.json", `{
  "dependencies": {
    "a": "1.0.0",
    "b": "^2.0.0"
  }
}`, []string{"a 1.0.0 3", "b 2.4.0 4"}},
		{"yarn.lock 1", `# yarn lockfile v1


a@^1.0.0, a@^1.1.0:
  version "1.2.0"
  dependencies:
    "@s/b" "2.0.0"

"@s/b@2.0.0":
  version "2.0.0"
`, []string{"a 1.2.0 4", "@s/b 2.0.0 9"}},
		{"yarn.lock berry", `__metadata:
  version: 6

"a@npm:^1.0.0":
  version: 1.2.0
  resolution: "a@npm:1.2.0"
`, []string{"a 1.2.0 4"}},
		{"pnpm-lock.yaml 9", `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      a:
        specifier: ^1.0.0
        version: 1.2.0
packages:
  a@1.2.0:
    resolution: {integrity: x}
  '@s/b@2.0.0':
    resolution: {integrity: x}
snapshots:
  a@1.2.0:
    dependencies:
      '@s/b': 2.0.0
  '@s/b@2.0.0': {}
`, []string{"@s/b 2.0.0 11"}},
		{"pnpm-lock.yaml 5", `packages:
  /a/1.2.0:
    dev: false
  /@s/b/2.0.0_c@1.0.0:
    dev: true
`, []string{"a 1.2.0 2", "@s/b 2.0.0 4"}},
		{"bun.lock", `{
  "workspaces": {"": {"dependencies": {"a": "1.2.0"}}},
  "packages": {
    "a": ["a@1.2.0", "", {}, "sha512-x=="],
    "c": ["c@3.0.0", "", { "dependencies": { "a": "1.2.0" } }, "sha512-x=="],
  },
}`, []string{"a 1.2.0 4", "c 3.0.0 5"}},
		{"deno.lock", `{
  "version": "4",
  "jsr": {
    "@std/path@1.0.8": {
      "integrity": "x"
    }
  },
  "npm": {
    "chalk@5.3.0": {}
  }
}`, []string{"@std/path 1.0.8 4", "chalk 5.3.0 9"}},
		{"requirements.txt", "# comment\nJinja2==2.10 ; python_version > '3'\nflask[async]==1.0 \\\n    --hash=sha256:x\nruamel_yaml>=1\n", []string{"jinja2 2.10 2", "flask 1.0 3", "ruamel-yaml 1.2 5"}},
		{"poetry.lock", `[[package]]
name = "Jinja2"
version = "2.10"

[package.dependencies]
markupsafe = ">=0.23"

[[package]]
name = "markupsafe"
version = "1.1.1"
`, []string{"jinja2 2.10 2", "markupsafe 1.1.1 9"}},
		{"Pipfile.lock", `{
    "default": {
        "jinja2": {
            "hashes": [
                "sha256:x"
            ],
            "version": "==2.10"
        }
    }
}`, []string{"jinja2 2.10 3"}},
		{"Cargo.lock", `[[package]]
name = "a"
version = "0.1.0"
dependencies = [
 "b 0.2.0",
 "b 0.3.0",
]

[[package]]
name = "b"
version = "0.2.0"

[[package]]
name = "b"
version = "0.3.0"
`, []string{"a 0.1.0 2", "b 0.2.0 10", "b 0.3.0 14"}},
		{"go.mod", `module example.com/app

go 1.22

require (
	github.com/pkg/errors v0.9.1
	github.com/pkg/errors/v2 v2.0.0 // indirect
)

require golang.org/x/net v0.1.0
`, []string{"github.com/pkg/errors v0.9.1 6", "github.com/pkg/errors/v2 v2.0.0 7", "golang.org/x/net v0.1.0 10"}},
		{"Gemfile.lock", `GEM
  remote: https://rubygems.org/
  specs:
    actionpack (7.0.0)
      rack (~> 2.0, >= 2.2.0)
    rack (2.2.0)

DEPENDENCIES
  actionpack
  rack
`, []string{"actionpack 7.0.0 4", "rack 2.2.0 6"}},
		{"pom.xml", `<?xml version="1.0"?>
<project>
  <groupId>g</groupId>
  <artifactId>app</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.x</groupId>
      <artifactId>core</artifactId>
      <version>1.0</version>
    </dependency>
    <dependency>
      <groupId>org.y</groupId>
      <artifactId>core</artifactId>
      <version>${y}</version>
    </dependency>
  </dependencies>
</project>`, []string{"org.x:core 1.0 9", "org.y:core 2.0 14", "g:app 1 4"}},
		{"gradle.lockfile", "# comment\ncom.google:guava:31.0=compile,runtime\nempty=\n", []string{"com.google:guava 31.0 2"}},
		{"composer.lock", `{
    "packages": [
        {
            "name": "a/b",
            "version": "v1.2.0",
            "require": {"c/d": "1.0.0"}
        },
        {
            "name": "c/d",
            "version": "1.0.0"
        }
    ]
}`, []string{"a/b 1.2.0 4", "c/d 1.0.0 9"}},
		{"packages.lock.json", `{
  "dependencies": {
    "net6.0": {
      "Newtonsoft.Json": {
        "type": "Direct",
        "resolved": "12.0.1"
      }
    }
  }
}`, []string{"Newtonsoft.Json 12.0.1 4"}},
		{"csproj", "<Project>\n  <ItemGroup>\n    <PackageReference Include=\"Newtonsoft.Json\" Version=\"12.0.1\" />\n  </ItemGroup>\n</Project>", []string{"Newtonsoft.Json 12.0.1 3"}},
		{"packages.config", "<packages>\n  <package id=\"A\" version=\"1.0\" />\n</packages>", []string{"A 1.0 2"}},
		{"pubspec.lock", `packages:
  async:
    dependency: transitive
    description:
      name: async
      url: "https://pub.dev"
    source: hosted
    version: "2.5.0"
`, []string{"async 2.5.0 2"}},
		{"Podfile.lock", `PODS:
  - Alamofire (5.0.0)
  - Kit (1.0):
    - Alamofire
DEPENDENCIES:
  - Alamofire
`, []string{"Alamofire 5.0.0 2", "Kit 1.0 3"}},
		{"mix.lock", "%{\n  \"cowboy\": {:hex, :cowboy, \"2.9.0\", \"x\", [:make], [{:ranch, \"1.8.0\"}]},\n  \"ranch\": {:hex, :ranch, \"1.8.0\", \"x\"},\n}\n", []string{"cowboy 2.9.0 2"}},
		{"Package.resolved", `{
  "pins" : [
    {
      "identity" : "alamofire",
      "location" : "https://github.com/Alamofire/Alamofire.git",
      "state" : {
        "version" : "5.0.0"
      }
    }
  ]
}`, []string{"github.com/Alamofire/Alamofire 5.0.0 5"}},
		{".terraform.lock.hcl", `provider "registry.terraform.io/hashicorp/aws" {
  version     = "3.0.0"
  constraints = "~> 3.0"
}
`, []string{"registry.terraform.io/hashicorp/aws 3.0.0 1"}},
		{"workflow", "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v3.1.0\n      - name: b\n        uses: org/act/sub@v2\n", []string{"actions/checkout v3.1.0 4"}},
		{"libs.versions.toml", "[versions]\njackson = \"2.9.0\"\n\n[libraries]\njackson = { module = \"com.x:jackson\", version.ref = \"jackson\" }\nother = { group = \"org.y\", name = \"other\", version = \"1.0\" }\n", []string{"com.x:jackson 2.9.0 5"}},
		{"twice", "a: 1.0\nb: 1.0\na: 2.0\n", []string{"a 3.0 0", "b 1.0 2"}},
		{"in one line", `{"packages":{"node_modules/a":{"version":"1.0.0"}}}`, []string{"a 1.0.0 1"}},
		{"nothing", "", []string{"a 1.0.0 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var packages []assay.Package
			for _, w := range tt.want {
				f := strings.Fields(w)
				packages = append(packages, assay.Package{Name: f[0], Version: f[1]})
			}
			Locate([]byte(tt.content), packages)
			var got []string
			for _, p := range packages {
				got = append(got, fmt.Sprintf("%s %s %d", p.Name, p.Version, p.Line))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			Locate([]byte(strings.ReplaceAll(tt.content, "\n", "\r\n")), packages)
			for i, p := range packages {
				if s := fmt.Sprintf("%s %s %d", p.Name, p.Version, p.Line); s != tt.want[i] {
					t.Errorf("with CRLF: %s, want %s", s, tt.want[i])
				}
			}
		})
	}
}

func FuzzLocate(f *testing.F) {
	for _, s := range []string{`{"a":["b@1",{}]}`, "<a b='1'><c>d</c></a>", "a:\n  - b: 1\n[c]\nd = 1\n", `"`, "{\"\\", "//", "/*"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		packages := []assay.Package{{Name: "a", Version: "1"}, {Name: "b:c", Version: "2"}}
		Locate(b, packages)
		for _, p := range packages {
			if lines := strings.Count(string(b), "\n") + 1; p.Line < 0 || p.Line > lines {
				t.Errorf("line %d of %d", p.Line, lines)
			}
		}
	})
}
