// Package memory measures how much memory work takes, for tests that bound it.
// Tests only.
package memory

import (
	"runtime"
	"time"
)

// Allocated starts to count. The result returns the bytes that the process has
// allocated since, garbage included.
func Allocated() func() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.TotalAlloc
	return func() uint64 {
		runtime.ReadMemStats(&m)
		return m.TotalAlloc - before
	}
}

// sampling is how often Peak looks at the heap.
const sampling = 2 * time.Millisecond

// Peak starts to watch the heap. The result ends that, and returns its largest
// size above the one at the start, in bytes. The size includes garbage that is not
// yet collected.
func Peak() (stop func() uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base, largest := m.HeapAlloc, uint64(0)
	done, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		for {
			runtime.ReadMemStats(&m)
			largest = max(largest, m.HeapAlloc-min(base, m.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(sampling):
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return largest
	}
}
