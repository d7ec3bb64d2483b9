package inventory

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/assaysec/assay"
)

// Limits bounds what the scans of a Budget use together, besides the oldest scan. The
// zero value has the defaults.
type Limits struct {
	Scans  int   // active scans; others wait before they begin; 0 means runtime.NumCPU()
	Jobs   int   // layers read, or squashed, in parallel; 0 means runtime.NumCPU()
	Facts  int64 // bytes of facts about layers; 0 means 4 MiB for each of runtime.NumCPU(), or a quarter of what the largest scan so far used, if that is more
	Memory int64 // bytes of files in memory while they are read; 0 means 4 MiB for each of runtime.NumCPU()
	Disk   int64 // bytes of files on disk while they are read; 0 means DefaultSpool
	Files  int64 // number of such files on disk; 0 means 256
}

// The bounded resources.
const (
	scanSlots = iota
	jobSlots
	factBytes
	memoryBytes
	diskBytes
	diskFiles
	resources // the number of resources
)

// sharedBytes is the default for facts and for files in memory, for each processor: a
// usual image needs as much.
const sharedBytes = 4 << 20

// A Budget is shared by scans. A scan that finds too little left waits until others
// release what they have. The oldest scan never waits: it acquires what it needs, up to
// the bounds of one image. So one scan always proceeds, and all together use no more
// than one image and the budget's limits.
type Budget struct {
	shared [resources]int64 // of the scans other than the oldest; of jobs, of all scans
	alone  [resources]int64 // bounds of one scan; beyond them an image is too large
	grows  bool             // the limit of facts grows with the largest scan

	mu      sync.Mutex
	used    [resources]int64
	largest int64         // most bytes of facts that one scan used
	layer   int64         // most bytes of facts that one layer used
	peak    int64         // most bytes of facts and of files in memory that all scans used together
	scans   []*account    // oldest first
	changed chan struct{} // closed when a waiting scan may try again

	buffers sync.Pool // of files in memory
}

// NewBudget makes a budget.
func NewBudget(l Limits) *Budget {
	n := int64(runtime.NumCPU())
	b := &Budget{changed: make(chan struct{}), grows: l.Facts == 0}
	b.shared = [resources]int64{scanSlots: n, jobSlots: n, factBytes: n * sharedBytes, memoryBytes: n * sharedBytes, diskBytes: DefaultSpool, diskFiles: maxOnDisk}
	for what, limit := range [resources]int64{scanSlots: int64(l.Scans), jobSlots: int64(l.Jobs), factBytes: l.Facts, memoryBytes: l.Memory, diskBytes: l.Disk, diskFiles: l.Files} {
		if limit > 0 {
			b.shared[what] = limit
		}
	}
	b.alone = [resources]int64{scanSlots: 1, jobSlots: math.MaxInt64, factBytes: maxImage, memoryBytes: maxMemory, diskBytes: DefaultSpool, diskFiles: maxOnDisk}
	return b
}

// processBudget is the budget of scans without one of their own.
var processBudget = sync.OnceValue(func() *Budget { return NewBudget(Limits{}) })

// An account records what one scan has acquired from a budget.
type account struct {
	*Budget
	own [resources]int64
}

// begin opens the account of a scan; end closes it.
func (b *Budget) begin() *account {
	a := &account{Budget: b}
	b.mu.Lock()
	b.scans = append(b.scans, a)
	b.mu.Unlock()
	return a
}

// end releases everything that the scan has.
func (a *account) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for what, n := range a.own {
		a.used[what] -= n
		a.own[what] = 0
	}
	a.scans = slices.DeleteFunc(a.scans, func(x *account) bool { return x == a })
	a.wake()
}

// wake wakes waiting scans; mu is locked.
func (b *Budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// acquire acquires n of a resource, and waits until that much is free. It returns
// ErrTooLarge if one scan may never have so much.
func (a *account) acquire(ctx context.Context, what int, n int64) error {
	for {
		ok, changed := a.look(what, n)
		if changed == nil && !ok {
			return fmt.Errorf("%d bytes or files exceed the limit of one scan: %w", n, assay.ErrTooLarge)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// tryAcquire is acquire without waiting.
func (a *account) tryAcquire(what int, n int64) bool {
	ok, _ := a.look(what, n)
	return ok
}

// look acquires n if it is free. Otherwise changed is closed when to look again; nil
// means never.
func (a *account) look(what int, n int64) (ok bool, changed chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own[what]+n > a.alone[what] {
		return false, nil
	}
	if !a.fits(what, n) {
		return false, a.changed
	}
	a.used[what] += n
	a.own[what] += n
	a.largest = max(a.largest, a.own[factBytes])
	a.peak = max(a.peak, a.used[factBytes]+a.used[memoryBytes])
	return true, nil
}

// fits reports whether the scan need not wait for n; mu is locked. One job is reserved
// for the oldest scan.
func (a *account) fits(what int, n int64) bool {
	oldest := a.scans[0]
	others := a.used[what] - oldest.own[what]
	if what != jobSlots {
		return a == oldest || others+n <= a.limit(what)
	}
	if a == oldest && a.own[what] == 0 { // one is enough to proceed
		return true
	}
	return a.used[what]+n <= a.shared[what] && (a == oldest || others+n <= max(1, a.shared[what]-1))
}

// limit returns what the scans other than the oldest may have together; mu is locked.
func (b *Budget) limit(what int) int64 {
	if what == factBytes && b.grows {
		return max(b.shared[what], b.largest/4)
	}
	return b.shared[what]
}

// acquireLayer acquires what the facts of a layer may need, before they are known: as
// much as the largest layer so far, but at most half of the limit.
func (a *account) acquireLayer(ctx context.Context) (int64, error) {
	a.mu.Lock()
	n := min(a.layer, a.limit(factBytes)/2, a.alone[factBytes]-a.own[factBytes])
	a.mu.Unlock()
	err := a.acquire(ctx, factBytes, n)
	if err != nil && ctx.Err() == nil { // other layers of the image have it by now: fit handles that
		return 0, nil
	}
	return n, err
}

// sawLayer records how much the facts of a layer used.
func (b *Budget) sawLayer(n int64) {
	b.mu.Lock()
	b.layer = max(b.layer, n)
	b.mu.Unlock()
}

// release returns n to the budget.
func (a *account) release(what int, n int64) {
	if n == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used[what] -= n
	a.own[what] -= n
	a.wake()
}

// resize changes an acquired amount from has to n.
func (a *account) resize(ctx context.Context, what int, has, n int64) error {
	if n > has {
		return a.acquire(ctx, what, n-has)
	}
	a.release(what, has-n)
	return nil
}

// buffer returns an empty buffer with room for size bytes.
func (b *Budget) buffer(size int64) *bytes.Buffer {
	buf, _ := b.buffers.Get().(*bytes.Buffer)
	if buf == nil || int64(buf.Cap()) > 4*size+poolOver { // a large buffer is wasted on a small file
		buf = new(bytes.Buffer)
	}
	buf.Reset()
	buf.Grow(int(size))
	return buf
}
