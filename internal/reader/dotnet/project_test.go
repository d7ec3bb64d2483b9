package dotnet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const props = "\ufeff" + `<Project>
  <PropertyGroup><Base>13.0</Base><JsonVersion>$(base).1</JsonVersion><Loop>$(Loop)$(Loop)</Loop></PropertyGroup>
  <ItemGroup Condition="'$(X)' == ''">
    <PackageVersion Include="Json" Version="$(JsonVersion)" />
    <PackageVersion Update="Element"><Version>[2.0.0]</Version></PackageVersion>
    <packageReference Include="A;B" version="1.0.0" />
    <GlobalPackageReference Include="Tool" Version="3.1" />
    <PackageVersion Include="Float" Version="1.*" />
    <PackageVersion Include="Outside" Version="$(Elsewhere)" />
    <PackageVersion Include="Loop" Version="$(Loop)" />
  </ItemGroup>
  <Choose><When Condition="x"><ItemGroup><PackageVersion Include="Chosen" Version="[4.0,5.0)" /></ItemGroup></When></Choose>
</Project>`

const csproj = `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net8.0</TargetFramework><Version>0.9</Version></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Json" Version="13.0.3" />
    <PackageReference Include="Central" />
    <PackageReference Include="Analyzer" Version="1.0"><PrivateAssets>all</PrivateAssets></PackageReference>
    <ProjectReference Include="..\Other\Other.csproj" />
  </ItemGroup>
</Project>`

func TestProps(t *testing.T) {
	facts, err := contract.Read(t, Props{}, "Directory.Packages.props", props)
	want := []string{"Json@13.0.1 ", "Element@2.0.0 ", "Tool@3.1  dev", "Chosen@4.0 ", "A@1.0.0 ", "B@1.0.0 "}
	if d := cmp.Diff(want, show(facts.Packages)); d != "" {
		t.Error(d)
	}
	for _, want := range []string{"3 packages have no version", "Float 1.*", "Outside $(Elsewhere)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestConfig(t *testing.T) {
	utf16 := "\xff\xfe"
	for _, c := range `<?xml version="1.0" encoding="utf-16"?><packages><package id="A" version="1.0" targetFramework="net48"/><package id="D" version="2" developmentDependency="true"/><package id="N"/></packages>` {
		utf16 += string([]byte{byte(c), 0})
	}
	facts, err := contract.Read(t, Config{}, "packages.config", utf16)
	if d := cmp.Diff([]string{"A@1.0 ", "D@2  dev"}, show(facts.Packages)); d != "" || err == nil || !strings.Contains(err.Error(), "1 package has no version: N") {
		t.Errorf("%s%v", d, err)
	}
	if _, err := contract.Read(t, Config{}, "packages.config", "<configuration/>"); err == nil {
		t.Error("another root is no error")
	}
}

func TestProject(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "src/app/App.csproj", csproj)
	write(t, dir, "Directory.Packages.props", `<Project><ItemGroup><PackageVersion Include="central" Version="7.0" /></ItemGroup></Project>`)
	write(t, dir, "locked/App.csproj", csproj)
	write(t, dir, "locked/packages.lock.json", `{}`)
	facts, errs := contract.ReadDir(t, Project{}, dir)
	want := []string{"App@0.9 root → Json@13.0.3, Central@7.0, Analyzer@1.0", "Json@13.0.3 direct", "Central@7.0 direct", "Analyzer@1.0 direct dev"}
	if d := cmp.Diff(want, show(facts["src/app/App.csproj"].Packages)); d != "" {
		t.Error(d)
	}
	contract.Failed(t, errs["src/app/App.csproj"], "no lock file: what the 3 packages that it asks for need in turn is unknown")
	if got := facts["locked/App.csproj"].Packages; len(got) > 0 {
		t.Errorf("beside a lock file: %v", show(got))
	}
	facts, errs = contract.ReadDir(t, Project{}, corpus.Path(t, "conformance/syft/dotnet"))
	for path, err := range errs {
		if err != nil && !strings.HasPrefix(err.Error(), "no lock file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if d := cmp.Diff([]string{"LibManSample@ root → Microsoft.Web.LibraryManager.Build@2.1.175", "Microsoft.Web.LibraryManager.Build@2.1.175 direct"}, show(facts["image-net6-asp-libman/src/LibManSample.csproj"].Packages)); d != "" {
		t.Error(d)
	}
}
