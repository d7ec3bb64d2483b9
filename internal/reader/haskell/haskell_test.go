package haskell

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	stack = `snapshot: lts-22.0
packages: [.]
extra-deps:
- acme-missiles-0.3
- text-2.0.2@sha256:0f0f,5000
- hs-2-x-1.0@rev:2
- unpinned
- ./local
- https://example.org/a-1.0.tar.gz
- git: https://example.org/b.git
  commit: 0f
`
	stackLock = `packages:
- completed:
    hackage: acme-missiles-0.3@sha256:2ba6,613
    pantry-tree: {size: 226, sha256: 0f}
  original:
    hackage: acme-missiles-0.3
- completed:
    name: forked
    version: 1.2.0.1
    git: https://example.org/f.git
    commit: 0f
snapshots: []
`
	freeze = `active-repositories: hackage.haskell.org:merge
constraints: any.aeson ==2.1.2.1,
             aeson -cffi +ordered-keymap,
             any.base-orphans ==0.9.0,
             -- a comment
             old ==1.0, old >=1
index-state: hackage.haskell.org 2023-01-01T00:00:00Z
`
)

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    assay.Reader
		in   string
		want []string
		err  error
	}{
		{"stack.yaml", Stack{}, stack, []string{"acme-missiles@0.3", "text@2.0.2", "hs-2-x@1.0"}, assay.ErrUnsupported},
		{"stack.yaml.lock", StackLock{}, stackLock, []string{"acme-missiles@0.3", "forked@1.2.0.1"}, nil},
		{"freeze", Freeze{}, freeze, []string{"aeson@2.1.2.1", "base-orphans@0.9.0", "old@1.0"}, nil},
		{"freeze without versions", Freeze{}, "constraints: any.base installed,\n  ghc-prim installed, wide >=1 && <2, any.star ==1.*, either ==1.0 || ==2.0, a ==1, a installed, f +flag", []string{"a@1"}, assay.ErrUnsupported},
		{"empty stack.yaml", Stack{}, "", nil, nil},
		{"bogus stack.yaml", Stack{}, "bogus", nil, assay.ErrMalformed},
		{"bogus lock", StackLock{}, "bogus", nil, assay.ErrMalformed},
		{"bogus freeze", Freeze{}, "bogus", nil, assay.ErrMalformed},
		{"bogus reference", StackLock{}, "packages: [{completed: {hackage: x}}]", nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, tt.r, "x", tt.in)
			var got []string
			for _, p := range facts.Packages {
				got = append(got, p.Ref())
			}
			if d := cmp.Diff(tt.want, got); d != "" || !errors.Is(err, tt.err) {
				t.Error(d, err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Stack{}, map[string]string{"stack.yaml": stack})
	contract.Reader(t, StackLock{}, map[string]string{"stack.yaml.lock": stackLock})
	contract.Reader(t, Freeze{}, map[string]string{"cabal.project.freeze": freeze})
}

func FuzzStack(f *testing.F) {
	f.Add(stack)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Stack{}, "stack.yaml", content) })
}

func FuzzStackLock(f *testing.F) {
	f.Add(stackLock)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, StackLock{}, "stack.yaml.lock", content) })
}

func FuzzFreeze(f *testing.F) {
	f.Add(freeze)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Freeze{}, "cabal.project.freeze", content) })
}
