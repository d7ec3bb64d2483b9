package lua

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	rockspec = `-- license = "none"
local v = "3.0"
package = "luasocket"
version = v .. "-1"
description = {
   summary = "Network support",
   license = "MIT"
}
dependencies = { "lua >= 5.1" }
`
	lock = `return {
   dependencies = {
      ["lua-cjson"] = "2.1.0.6-1", -- a comment
      say = "1.4.1-3"
   },
   test_dependencies = { busted = "2.2.0-1", say = "1.4.1-3" },
}
`
)

func TestInstalled(t *testing.T) {
	const dir = "usr/local/lib/luarocks/rocks-5.1/luasocket/3.0-1/"
	facts, err := contract.Read(t, Installed{}, dir+"luasocket-3.0-1.rockspec", rockspec)
	if d := cmp.Diff([]assay.Package{{Type: "luarocks", Name: "luasocket", Version: "3.0-1", Licences: []string{"MIT"}}}, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	if facts, err := contract.Read(t, Installed{}, dir+"other-1-1.rockspec", rockspec); facts.Packages != nil || err != nil {
		t.Error(facts, err)
	}
}

func TestLock(t *testing.T) {
	want := []assay.Package{
		{Type: "luarocks", Name: "lua-cjson", Version: "2.1.0.6-1"},
		{Type: "luarocks", Name: "say", Version: "1.4.1-3"},
		{Type: "luarocks", Name: "busted", Version: "2.2.0-1", Dev: true},
	}
	facts, err := contract.Read(t, Lock{}, "luarocks.lock", lock)
	if d := cmp.Diff(want, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	for in, want := range map[string]error{"": nil, "return {}\n": nil, "bogus": assay.ErrMalformed} {
		if _, err := contract.Read(t, Lock{}, "luarocks.lock", in); !errors.Is(err, want) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Installed{}, map[string]string{"rocks-5.1/a/1-1/a-1-1.rockspec": rockspec})
	contract.Reader(t, Lock{}, map[string]string{"luarocks.lock": lock})
}

func FuzzInstalled(f *testing.F) {
	f.Add(rockspec)
	f.Fuzz(func(t *testing.T, content string) {
		contract.Read(t, Installed{}, "rocks/a/1-1/a-1-1.rockspec", content)
	})
}

func FuzzLock(f *testing.F) {
	f.Add(lock)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Lock{}, "luarocks.lock", content) })
}
