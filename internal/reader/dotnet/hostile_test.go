package dotnet

import (
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestQuick holds that reading a file takes no more than its length demands:
// tenths of a second for these.
func TestQuick(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reader assay.Reader
		path   string
		in     string
	}{
		{"many versions of what many stand for", Deps{}, "x.deps.json", `{"runtimeTarget":{"name":"t"},"targets":{"t":{` + contract.Many(30_000, `"x/#":{"runtime":{"a":{}}},`) + contract.Many(30_000, `"y#/1":{"dependencies":{"x":"1"}},`) + `"z/1":{}}},"libraries":{}}`},
		{"many frameworks", Lock{}, "packages.lock.json", `{"dependencies":{"net8.0":{` + contract.Many(10_000, `"a#":{"type":"Direct","resolved":"1"},`) + `"z":{}}` + contract.Many(10_000, `,"net8.0/r#":{"b":{"type":"Direct","resolved":"1"}}`) + `}}`},
		{"many updates", Project{}, "a.csproj", `<Project><ItemGroup>` + contract.Many(30_000, `<PackageReference Include="a#"/><PackageReference Update="b#" Version="1"/>`) + `</ItemGroup></Project>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract.Quick(t, tt.reader, tt.path, tt.in)
		})
	}
}
