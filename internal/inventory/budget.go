package inventory

import (
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
	used    [resources]int64 // with what is reserved
	largest int64            // most bytes of facts that one scan used, of the last ones
	layer   int64            // most bytes of facts that one layer used, of the last ones
	peak    int64            // most bytes of facts and of files in memory that all scans used together
	scans   []*account       // oldest first
	changed chan struct{}    // closed when a waiting scan may try again

	buffers buffers
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
	own      [resources]int64
	reserved int64 // bytes of facts, beside its own, for layers whose facts are not known yet
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
	a.largest = recent(a.largest, a.own[factBytes])
	a.own[factBytes] += a.reserved
	a.reserved = 0
	for what, n := range a.own {
		a.used[what] -= n
		a.own[what] = 0
	}
	a.scans = slices.DeleteFunc(a.scans, func(x *account) bool { return x == a })
	a.wake()
}

// recent adds n to the most of the last values: what one huge image needed is forgotten
// after some usual ones.
func recent(most, n int64) int64 { return max(n, most-most/8) }

// wake wakes waiting scans; mu is locked.
func (b *Budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// acquire acquires n of a resource, and waits until that much is free. It returns
// ErrTooLarge if one scan may never have so much.
func (a *account) acquire(ctx context.Context, what int, n int64) error {
	return a.acquireReserved(ctx, what, n, 0)
}

// acquireReserved is acquire of n of which some is reserved.
func (a *account) acquireReserved(ctx context.Context, what int, n, reserved int64) error {
	for {
		ok, changed := a.look(what, n, reserved)
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
	ok, _ := a.look(what, n, 0)
	return ok
}

// look acquires n if it is free. Otherwise changed is closed when to look again; nil
// means never. Of n, reserved is reserved for it.
func (a *account) look(what int, n, reserved int64) (ok bool, changed chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own[what]+n > a.alone[what] {
		return false, nil
	}
	if n > reserved && !a.fits(what, n-reserved) {
		return false, a.changed
	}
	a.used[what] += n - reserved
	a.own[what] += n
	a.reserved -= reserved
	a.largest = max(a.largest, a.own[factBytes])
	a.peak = max(a.peak, a.used[factBytes]+a.used[memoryBytes])
	return true, nil
}

// fits reports whether the scan need not wait for n; mu is locked. One job is reserved
// for the oldest scan.
func (a *account) fits(what int, n int64) bool {
	oldest := a.scans[0]
	others := a.used[what] - oldest.own[what]
	if what == factBytes {
		others -= oldest.reserved
	}
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

// A claim is what one layer's facts have of the budget.
type claim struct {
	account  *account
	has      int64 // bytes
	reserved int64 // bytes, besides
}

// claimLayer reserves what the facts of a layer may need, before they are known: as
// much as the largest of the last layers, but at most half of the limit. It waits until
// that much is free. The oldest scan reserves nothing, because it never waits later.
func (a *account) claimLayer(ctx context.Context) (*claim, error) {
	c := &claim{account: a}
	for {
		changed := a.reserve(c)
		if changed == nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// reserve reserves for c if enough is free. Otherwise changed is closed when to try
// again.
func (a *account) reserve(c *claim) (changed chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a == a.scans[0] {
		return nil
	}
	n := min(a.layer, a.limit(factBytes)/2)
	if !a.fits(factBytes, n) {
		return a.changed
	}
	c.reserved = n
	a.reserved += n
	a.used[factBytes] += n
	return nil
}

// resize changes the claim to n bytes. It waits while other scans use too much, and
// returns ErrTooLarge if one scan may never have so much; the claim is unchanged then.
func (c *claim) resize(ctx context.Context, n int64) error {
	if n <= c.has {
		c.account.release(factBytes, c.has-n)
		c.has = n
		return nil
	}
	reserved := min(c.reserved, n-c.has)
	if err := c.account.acquireReserved(ctx, factBytes, n-c.has, reserved); err != nil {
		return err
	}
	c.has, c.reserved = n, c.reserved-reserved
	return nil
}

// settle ends the reservation: what the claim has is all that the layer's facts need.
func (c *claim) settle() {
	a := c.account
	a.mu.Lock()
	defer a.mu.Unlock()
	a.layer = recent(a.layer, c.has)
	a.reserved -= c.reserved
	a.used[factBytes] -= c.reserved
	c.reserved = 0
	a.wake()
}

// drop gives back what the claim has.
func (c *claim) drop() {
	c.account.release(factBytes, c.has)
	c.has = 0
	c.settle()
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
