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

// Limits says what the scans of a Budget take up together, beside the oldest of
// them. The zero value has the defaults.
type Limits struct {
	Scans  int   // scans in work; others wait before they begin; 0 means runtime.NumCPU()
	Jobs   int   // layers read, or put together, at once; 0 means runtime.NumCPU()
	Facts  int64 // bytes of facts about layers; 0 means 4 MiB for each of runtime.NumCPU(), or a quarter of what the largest scan so far took up, if that is more
	Memory int64 // bytes of files in memory while they are read; 0 means 4 MiB for each of runtime.NumCPU()
	Disk   int64 // bytes of such files on disk; 0 means DefaultSpool
	Files  int64 // such files on disk; 0 means 256
}

// What is bounded.
const (
	scanSlots = iota
	jobSlots
	factBytes
	memoryBytes
	diskBytes
	diskFiles
	resources // how many there are
)

// sharedBytes is the default for facts and for files in memory, for each
// processor: a scan of a usual image takes up as much.
const sharedBytes = 4 << 20

// A Budget is shared by scans. A scan that finds too little left waits until
// others give back what they have. The oldest scan never waits: it takes what it
// needs, up to the bounds of one image. So there is always one that goes on, and
// all together take up no more than one image and the budget's limits.
type Budget struct {
	shared [resources]int64 // of the scans that are not the oldest; of jobs, of all
	alone  [resources]int64 // bounds of one scan; over them an image is too large
	grows  bool             // the limit of facts grows with the largest scan

	mu      sync.Mutex
	used    [resources]int64
	largest int64         // bytes of facts that one scan took up
	layer   int64         // bytes of facts that one layer took up
	peak    int64         // bytes of facts and of files in memory that all took up together
	scans   []*account    // oldest first
	changed chan struct{} // closed when a scan may go on

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

// processBudget is that of scans without one of their own.
var processBudget = sync.OnceValue(func() *Budget { return NewBudget(Limits{}) })

// An account is what one scan has of a budget.
type account struct {
	*Budget
	own [resources]int64
}

// begin opens the account of a scan, which ends with end.
func (b *Budget) begin() *account {
	a := &account{Budget: b}
	b.mu.Lock()
	b.scans = append(b.scans, a)
	b.mu.Unlock()
	return a
}

// end gives back all that the scan has.
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

// wake lets those that wait look again; mu is locked.
func (b *Budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// take takes n, waiting until there is so much. ErrTooLarge: one scan never gets
// so much.
func (a *account) take(ctx context.Context, what int, n int64) error {
	for {
		ok, changed := a.look(what, n)
		if changed == nil && !ok {
			return fmt.Errorf("%d bytes or files more than one scan may have: %w", n, assay.ErrTooLarge)
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

// tryTake is take without waiting.
func (a *account) tryTake(what int, n int64) bool {
	ok, _ := a.look(what, n)
	return ok
}

// look takes n if it can. Otherwise changed says when to look again; nil is never.
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

// fits reports whether the scan need not wait for n; mu is locked. One job is left
// to the oldest scan.
func (a *account) fits(what int, n int64) bool {
	oldest := a.scans[0]
	others := a.used[what] - oldest.own[what]
	if what != jobSlots {
		return a == oldest || others+n <= a.limit(what)
	}
	if a == oldest && a.own[what] == 0 { // one is enough to go on
		return true
	}
	return a.used[what]+n <= a.shared[what] && (a == oldest || others+n <= max(1, a.shared[what]-1))
}

// limit is what the scans but the oldest have together; mu is locked.
func (b *Budget) limit(what int) int64 {
	if what == factBytes && b.grows {
		return max(b.shared[what], b.largest/4)
	}
	return b.shared[what]
}

// takeLayer takes what the facts about a layer may take up, before they are known:
// as much as those about the largest so far, but no more than half of what there is.
func (a *account) takeLayer(ctx context.Context) (int64, error) {
	a.mu.Lock()
	n := min(a.layer, a.limit(factBytes)/2, a.alone[factBytes]-a.own[factBytes])
	a.mu.Unlock()
	err := a.take(ctx, factBytes, n)
	if err != nil && ctx.Err() == nil { // other layers of the image have it by now: fit sees to it
		return 0, nil
	}
	return n, err
}

// sawLayer notes how much the facts about a layer took up.
func (b *Budget) sawLayer(n int64) {
	b.mu.Lock()
	b.layer = max(b.layer, n)
	b.mu.Unlock()
}

// give gives back n.
func (a *account) give(what int, n int64) {
	if n == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used[what] -= n
	a.own[what] -= n
	a.wake()
}

// resize makes n of has.
func (a *account) resize(ctx context.Context, what int, has, n int64) error {
	if n > has {
		return a.take(ctx, what, n-has)
	}
	a.give(what, has-n)
	return nil
}

// buffer returns an empty buffer with room for size bytes.
func (b *Budget) buffer(size int64) *bytes.Buffer {
	buf, _ := b.buffers.Get().(*bytes.Buffer)
	if buf == nil || int64(buf.Cap()) > 4*size+poolOver { // a large one is wasted on a small file
		buf = new(bytes.Buffer)
	}
	buf.Reset()
	buf.Grow(int(size))
	return buf
}
