package inventory

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/section/files"
	"github.com/assaysec/assay/internal/test/memory"
	"github.com/google/go-cmp/cmp"
)

// heavy makes an image whose scan needs all that a budget bounds: facts in several
// layers, files that wait for others in memory and on disk, and a listing.
func heavy(t testing.TB, n int) *assay.Image {
	t.Helper()
	img := &assay.Image{}
	for l := range 3 {
		hs := []tar.Header{{Name: "etc/os-release", Uname: osr}}
		for i := range 200 {
			hs = append(hs, tar.Header{Name: fmt.Sprintf("var/lib/dpkg/status.d/%d-%d", l, i), Uname: fmt.Sprintf("Package: p%d-%d\nVersion: %d\n", l, i, n)})
		}
		hs = append(hs, tar.Header{Name: "var/db", Uname: strings.Repeat("x", 100_000+n)}, tar.Header{Name: "var/db-log", Uname: strings.Repeat("y", 10)})
		img.Layers = append(img.Layers, layerOf(t.(*testing.T), hs...))
	}
	return img
}

// TestManyScans: with a budget that is far too small, scans wait for each other
// and all end, each as it does alone.
func TestManyScans(t *testing.T) {
	budget := NewBudget(Limits{Jobs: 1, Facts: 1000, Memory: 1000, Disk: 1000, Files: 1})
	const scans = 24
	alone := make([]*assay.Inventory, scans)
	images := make([]*assay.Image, scans)
	for i := range scans {
		var err error
		images[i] = heavy(t, i)
		if alone[i], err = Build(t.Context(), images[i], Options{Readers: readers, SpoolDir: t.TempDir(), Budget: NewBudget(Limits{})}); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	var g sync.WaitGroup
	for i := range scans {
		g.Go(func() {
			inv, err := Build(t.Context(), images[i], Options{Readers: readers, SpoolDir: dir, Budget: budget, Kinds: []*assay.SectionKind{files.Kind}})
			if err != nil {
				t.Errorf("scan %d: %v", i, err)
				return
			}
			if n := inv.Sections["files"].Len(); n != 3*203 {
				t.Errorf("scan %d: %d files", i, n)
			}
			inv.Sections = nil
			if d := cmp.Diff(alone[i], inv); d != "" || len(inv.Packages) < 600 {
				t.Errorf("scan %d: %d packages; %s", i, len(inv.Packages), d)
			}
		})
	}
	g.Wait()
	if budget.used != [resources]int64{} || len(budget.scans) != 0 {
		t.Errorf("not given back: %v, %d scans", budget.used, len(budget.scans))
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files left", len(left))
	}
}

// TestBudgetWaits: the oldest scan never waits, others do until it gives back or
// their context ends; and nobody gets more than one scan may have.
func TestBudgetWaits(t *testing.T) {
	b := NewBudget(Limits{Facts: 10, Jobs: 1})
	b.alone[factBytes] = 100
	first, second, third := b.begin(), b.begin(), b.begin()
	ctx := t.Context()
	for _, a := range []struct {
		who  *account
		what int
		n    int64
		ok   bool
	}{{second, factBytes, 10, true}, {third, factBytes, 1, false}, {first, factBytes, 100, true}, {first, factBytes, 1, false}, {second, factBytes, 91, false},
		{second, jobSlots, 1, true}, {first, jobSlots, 1, true}, {first, jobSlots, 1, false}, {third, jobSlots, 1, false}} {
		if ok := a.who.tryAcquire(a.what, a.n); ok != a.ok {
			t.Errorf("%d of %d: %v", a.n, a.what, ok)
		}
	}
	if err := first.acquire(ctx, factBytes, 1); !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("more than one scan may have: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := third.acquire(cancelled, factBytes, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	got := make(chan error)
	go func() { got <- third.acquire(ctx, factBytes, 50) }() // the oldest only gets so much
	first.end()
	select {
	case err := <-got:
		t.Errorf("the second scan is the oldest now, and not the third: %v", err)
	default:
	}
	second.end()
	if err := <-got; err != nil {
		t.Error(err)
	}
	third.end()
	if b.used != [resources]int64{} {
		t.Errorf("not given back: %v", b.used)
	}
}

// TestClaims: what is reserved for a layer is used by it, counts for others, and never
// as facts of the scan.
func TestClaims(t *testing.T) {
	b := NewBudget(Limits{Facts: 100})
	b.layer = 40
	first, second := b.begin(), b.begin()
	ctx := t.Context()
	c, err := first.claimLayer(ctx)
	if err != nil || c.reserved != 0 {
		t.Errorf("the oldest scan reserved %d, %v", c.reserved, err)
	}
	if c, err = second.claimLayer(ctx); err != nil || b.used[factBytes] != 40 || second.own[factBytes] != 0 {
		t.Errorf("%+v, %v", b.used, err)
	}
	b.alone[factBytes] = 60 // of one scan; what is reserved is not among it
	if err := c.resize(ctx, 60); err != nil || b.used[factBytes] != 60 || second.reserved != 0 || second.own[factBytes] != 60 {
		t.Errorf("%+v, %v", b.used, err)
	}
	c.settle()
	b.layer = 40
	if c, err = second.claimLayer(ctx); err != nil || b.used[factBytes] != 100 || b.largest != 60 {
		t.Errorf("%+v, %d, %v", b.used, b.largest, err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := second.claimLayer(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("no room to reserve: %v", err)
	}
	c.drop()
	second.end()
	first.end()
	if b.used != [resources]int64{} {
		t.Errorf("not given back: %v", b.used)
	}
	for range 50 {
		c := &claim{account: b.begin()}
		c.settle()
		c.account.end()
	}
	if b.layer > 10 || b.largest > 10 {
		t.Errorf("never forgotten: %d, %d", b.layer, b.largest)
	}
}

// TestWithoutDisk: where no temporary file can be made, small files wait for memory that
// other scans use.
func TestWithoutDisk(t *testing.T) {
	b := NewBudget(Limits{Memory: 2 * (minBuffer + heldCost)})
	defer b.begin().end()
	other, a := b.begin(), b.begin()
	defer a.end()
	if !other.tryAcquire(memoryBytes, 2*minBuffer) {
		t.Fatal("no memory")
	}
	s := &spool{dir: t.TempDir() + "/none", account: a}
	got := make(chan error)
	go func() {
		h, err := s.store(t.Context(), assay.File{Size: 3}, strings.NewReader("abc"))
		if err == nil {
			h.release()
		}
		got <- err
	}()
	other.end()
	if err := <-got; err != nil {
		t.Error(err)
	}
	if _, err := s.store(t.Context(), assay.File{Size: spoolOver + 1}, strings.NewReader("")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestPeak: sixteen scans at once take up little more memory than one alone.
func TestPeak(t *testing.T) {
	if testing.Short() {
		t.Skip("makes large images")
	}
	img := &assay.Image{}
	for l := range 4 {
		var status strings.Builder
		for i := range 15_000 {
			fmt.Fprintf(&status, "Package: package-with-a-name-%d-%d\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.%d\nDepends: libc6, libssl3\n\n", l, i, l)
		}
		hs := []tar.Header{{Name: "etc/os-release", Uname: osr}, {Name: "var/lib/dpkg/status", Uname: status.String()}}
		img.Layers = append(img.Layers, layerOf(t, hs...))
	}
	scan := func(budget *Budget) {
		if _, err := Build(t.Context(), img, Options{Readers: readers, SpoolDir: t.TempDir(), Budget: budget}); err != nil {
			t.Error(err)
		}
	}
	measure := func(n int) (counted, heap int64) {
		budget := NewBudget(Limits{})
		peak := memory.Peak()
		var g sync.WaitGroup
		for range n {
			g.Go(func() { scan(budget) })
		}
		g.Wait()
		return budget.peak, int64(peak())
	}
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // what is measured is what is in use, not what the collector leaves
	scan(nil)                                        // tables that are made once
	one, heapOne := measure(1)
	many, heapMany := measure(16)
	t.Logf("one scan %d MB (heap %d MB), sixteen at once %d MB (heap %d MB): %.2f times (%.2f)", one>>20, heapOne>>20, many>>20, heapMany>>20, float64(many)/float64(one), float64(heapMany)/float64(heapOne))
	if many > one*3/2 {
		t.Errorf("one scan %d MB, sixteen at once %d MB", one>>20, many>>20)
	}
	// The heap at its largest has garbage in it, more or less by chance.
	if heapMany > 3*heapOne {
		t.Errorf("heap of one scan %d MB, of sixteen at once %d MB", heapOne>>20, heapMany>>20)
	}
}
