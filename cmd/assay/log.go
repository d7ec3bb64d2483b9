package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/assaysec/assay/internal/encoding/printable"
)

// peopleHandler writes log records as sentences for people:
//
//	assay: warning: another repository was used (used b, because …)
type peopleHandler struct {
	mu    *sync.Mutex
	w     io.Writer
	level slog.Level
	attrs string
}

// levelNames are the prefixes of messages, by level.
var levelNames = map[slog.Level]string{slog.LevelDebug: "debug: ", slog.LevelInfo: "", slog.LevelWarn: "warning: ", slog.LevelError: "error: "}

// Enabled implements slog.Handler.
func (h *peopleHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements slog.Handler.
func (h *peopleHandler) Handle(_ context.Context, r slog.Record) error {
	parts := []string{}
	if h.attrs != "" {
		parts = append(parts, h.attrs)
	}
	r.Attrs(func(a slog.Attr) bool {
		parts = append(parts, attr(a))
		return true
	})
	text := r.Message
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := fmt.Fprintf(h.w, "assay: %s%s\n", levelNames[r.Level], printable.Text(printable.NoCredentials(text)))
	return err
}

func attr(a slog.Attr) string { return a.Key + " " + a.Value.String() }

// WithAttrs implements slog.Handler.
func (h *peopleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	for _, a := range attrs {
		with.attrs = strings.TrimPrefix(with.attrs+", "+attr(a), ", ")
	}
	return &with
}

// WithGroup implements slog.Handler; groups are not shown.
func (h *peopleHandler) WithGroup(string) slog.Handler { return h }

// warn stores a warning until the progress bars are gone. It may be called from
// several goroutines.
func (g *global) warn(text string) {
	g.warned.mu.Lock()
	defer g.warned.mu.Unlock()
	g.warned.texts = append(g.warned.texts, text)
}

// showWarnings writes the stored warnings.
func (g *global) showWarnings() {
	g.warned.mu.Lock()
	defer g.warned.mu.Unlock()
	for _, text := range g.warned.texts {
		slog.Warn(text)
	}
	g.warned.texts = nil
}

// warnings are stored until they are shown.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

// notify writes a message that is not a warning to standard error, unless --quiet.
func (g *global) notify(format string, args ...any) {
	if !g.quiet {
		fmt.Fprintf(g.err, "assay: %s\n", printable.Text(printable.NoCredentials(fmt.Sprintf(format, args...))))
	}
}
