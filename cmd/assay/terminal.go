package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// isTerminal reports whether w is a terminal, and its width.
func isTerminal(w io.Writer) (width int, ok bool) {
	if o, ok := w.(*output); ok {
		w = o.Writer
	}
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	return width, true
}

// color reports whether to write escape sequences for colors to w.
// https://no-color.org
func (g *global) color(w io.Writer) bool {
	if os.Getenv("NO_COLOR") != "" || g.noColor || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, ok := isTerminal(w)
	return ok
}

// A progress shows bars on standard error if that is a terminal. A task that takes
// less than a second has no bar.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	start time.Time
	p     *mpb.Progress
	bars  map[string]*mpb.Bar
}

// quietFor is how long a task runs before its bar is shown.
const quietFor = time.Second

// progress makes a progress for a task. Terminals echo Ctrl-C at the cursor, below
// the bars; the cursor then returns to the line's beginning, where drawing goes on.
func (g *global) progress(ctx context.Context) *progress {
	if _, ok := isTerminal(g.err); !ok || g.quiet || g.debug {
		return nil
	}
	context.AfterFunc(ctx, func() { fmt.Fprint(g.err, "\r") })
	return &progress{w: g.err, start: time.Now(), bars: map[string]*mpb.Bar{}}
}

// update is an assay progress function; a nil progress has none.
func (p *progress) update() func(assay.Progress) {
	if p == nil {
		return nil
	}
	return p.show
}

func (p *progress) show(u assay.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	bar := p.bars[u.Task]
	if bar == nil {
		if u.End || time.Since(p.start) < quietFor {
			return
		}
		if p.p == nil {
			p.p = mpb.New(mpb.WithOutput(p.w), mpb.WithWidth(30), mpb.WithAutoRefresh())
		}
		name := printable.Cut(printable.Text(printable.NoCredentials(u.Task)), 40)
		counts := decor.CountersKibiByte("% .1f / % .1f")
		switch {
		case u.Total == 0 && u.Done == 0:
			counts = decor.Name("")
		case u.Total == 0:
			counts = decor.CurrentKibiByte("% .1f")
		case u.Total < 10000:
			counts = decor.CountersNoUnit("%d / %d")
		}
		bar = p.p.AddBar(u.Total, mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-40s", name))), mpb.AppendDecorators(counts))
		p.bars[u.Task] = bar
	}
	if u.Total > 0 {
		bar.SetTotal(u.Total, false)
	}
	bar.SetCurrent(u.Done)
	if u.End {
		bar.SetTotal(-1, true)
	}
}

// while shows a bar without a total while do runs.
func (p *progress) while(task string, do func() error) error {
	if p == nil {
		return do()
	}
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		t := time.NewTicker(quietFor / 4)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				p.show(assay.Progress{Task: task})
			case <-done:
				p.show(assay.Progress{Task: task, End: true})
				return
			}
		}
	})
	defer shown.Wait()
	defer close(done)
	return do()
}

// end removes the bars, before anything else is written.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.p == nil {
		return
	}
	for _, b := range p.bars {
		b.Abort(true)
	}
	p.p.Wait()
	p.p = nil
}
