package requirement

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/internal/version"
)

// TestGitHub compares with how VulnerableCode reads the ranges of GitHub's API:
// as "vers", https://github.com/package-url/vers-spec.
func TestGitHub(t *testing.T) {
	for ecosystem, scheme := range map[string]version.Scheme{"npm": version.SemVer, "nuget": version.NuGet, "golang": version.SemVer} {
		var answer struct {
			Data struct {
				SecurityVulnerabilities struct {
					Edges []struct {
						Node struct {
							Advisory struct {
								Identifiers []struct{ Value string }
							}
							Package                struct{ Name string }
							VulnerableVersionRange string
						}
					}
				}
			}
		}
		var expected []struct {
			Aliases          []string
			AffectedPackages []struct {
				AffectedVersionRange string `json:"affected_version_range"`
			} `json:"affected_packages"`
		}
		for name, v := range map[string]any{"": &answer, "-expected": &expected} {
			b, err := os.ReadFile(corpus.Path(t, "feeds/api.github.com/graphql/"+ecosystem+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, v); err != nil {
				t.Fatal(err)
			}
		}
		edges := answer.Data.SecurityVulnerabilities.Edges
		if len(edges) != len(expected) || len(edges) == 0 {
			t.Fatalf("%s: %d ranges, %d expected", ecosystem, len(edges), len(expected))
		}
		for i, e := range edges {
			n := e.Node
			if !slices.ContainsFunc(n.Advisory.Identifiers, func(id struct{ Value string }) bool { return slices.Contains(expected[i].Aliases, id.Value) }) {
				t.Fatalf("%s: %d: another advisory is expected", ecosystem, i)
			}
			got, err := Parse(Plain, scheme, n.VulnerableVersionRange)
			if err != nil {
				t.Errorf("%s: %v", n.Package.Name, err)
				continue
			}
			_, vers, _ := strings.Cut(expected[i].AffectedPackages[0].AffectedVersionRange, "/")
			want, err := Parse(Plain, scheme, strings.ReplaceAll(vers, "|", " "))
			if err != nil {
				t.Errorf("%s %s: %v", n.Package.Name, vers, err)
				continue
			}
			if !got.And(want.Not()).Empty() || !want.And(got.Not()).Empty() {
				t.Errorf("%s %s %q, expected %s", ecosystem, n.Package.Name, n.VulnerableVersionRange, vers)
			}
		}
	}
}
