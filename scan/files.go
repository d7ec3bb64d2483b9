package scan

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/section"
)

// FilesRequest selects the layers and paths whose files are listed.
type FilesRequest struct {
	Image *assay.Image // the caller closes it
	Layer *int         // only this layer, counted from 0; nil means all
	Paths []string     // only these and everything below them: paths inside the image, with * and **; none means all

	Cache    assay.Cache          // of contents of layers; nil means no cache
	Budget   *Budget              // of memory and disk, shared with scans; nil means the budget of the process
	Verify   bool                 // check every digest again, even of cached layers
	Progress func(assay.Progress) // may be nil
}

// CheckPaths returns an OptionError if one of FilesRequest.Paths is invalid.
func CheckPaths(paths []string) error {
	if _, err := inventory.ParsePatterns(paths); err != nil {
		return &OptionError{"path", err}
	}
	return nil
}

// ListFiles lists the files of an image's layers, with the changes of each
// layer.
func ListFiles(ctx context.Context, r FilesRequest) (_ *FileListing, err error) {
	defer catch(&err, "files of %s", r.Image.Name)
	match, err := inventory.ParsePatterns(r.Paths)
	if err != nil {
		return nil, &OptionError{"path", err}
	}
	img := r.Image
	only, filter, layer := *img, assay.SectionFilter{}, -1
	if r.Layer != nil {
		if layer = *r.Layer; layer < 0 || layer >= len(img.Layers) {
			return nil, &OptionError{fmt.Sprintf("layer %d", layer), fmt.Errorf("the image has %d layers, 0 to %d", len(img.Layers), len(img.Layers)-1)}
		}
		only.Layers = img.Layers[:layer+1] // the changes of higher layers do not matter
		filter.Layer = func(n int) bool { return n == layer }
	}
	if len(match) > 0 {
		filter.Path = match.Match
	}
	o := inventory.Options{Kinds: []*assay.SectionKind{section.Files}, Cache: r.Cache, Build: build(), Verify: r.Verify, Progress: r.Progress}
	if r.Budget != nil {
		o.Budget = r.Budget.inventory
	}
	inv, err := inventory.Build(ctx, &only, o)
	if err != nil {
		return nil, err
	}
	l := &FileListing{img: img, gaps: inv.Gaps, files: inv.Sections[section.Files.Name].Filter(filter)}
	l.count(layer)
	return l, nil
}

// A FileListing lists the files of an image by layer, with the changes of each
// layer.
type FileListing struct {
	img    *assay.Image
	files  *assay.Section
	gaps   []assay.Gap
	totals []layerTotal

	owner, size int // columns
}

// layerTotal counts the changes of a layer.
type layerTotal struct {
	Layer     int    `json:"layer"`
	DiffID    string `json:"diffID,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"`
	Added     int    `json:"added"`
	Changed   int    `json:"changed"`
	Deleted   int    `json:"deleted"`
	Opaque    int    `json:"opaque"`
	Size      int64  `json:"size"` // bytes of its files
}

// count reads the listing once, for the totals and the widths of columns.
func (l *FileListing) count(only int) {
	first := 0
	for i, layer := range l.img.Layers {
		if only < 0 || i == only {
			l.totals = append(l.totals, layerTotal{Layer: i, DiffID: layer.DiffID, CreatedBy: layer.CreatedBy})
		}
	}
	if only > 0 {
		first = only
	}
	l.owner, l.size = len("OWNER"), len("SIZE")
	for i := range l.files.Items() {
		f, t := i.Value.(*section.File), &l.totals[i.Layer-first]
		switch f.Change {
		case section.Added:
			t.Added++
		case section.Changed:
			t.Changed++
		case section.Deleted:
			t.Deleted++
		case section.Opaque:
			t.Opaque++
		}
		t.Size += f.Size
		l.owner, l.size = max(l.owner, len(f.Owner())), max(l.size, len(shownSize(f)))
	}
}

// shownSize is the size of a file; "" if it has none.
func shownSize(f *section.File) string {
	if f.Type != "file" {
		return ""
	}
	return printable.Size(f.Size)
}

// minPath is the minimum number of columns for paths: narrower terminals break
// lines themselves.
const minPath = 20

// Text writes the listing for people, one path per line. On a terminal, long
// paths continue on the next line.
func (l *FileListing) Text(w io.Writer, width int) error {
	line := fmt.Sprintf("%%5s  %%-7s  %%-10s  %%-%ds  %%%ds  ", l.owner, l.size)
	indent := 5 + 2 + 7 + 2 + 10 + 2 + l.owner + 2 + l.size + 2
	if _, err := fmt.Fprintf(w, line+"PATH\n", "LAYER", "CHANGE", "MODE", "OWNER", "SIZE"); err != nil {
		return err
	}
	for i := range l.files.Items() {
		f := i.Value.(*section.File)
		path := printable.Text(i.Path)
		switch {
		case f.Type == "directory" || f.Change == section.Opaque:
			path += "/"
		case f.Link != "" && f.Type == "hardlink":
			path += " = " + printable.Text(f.Link)
		case f.Link != "":
			path += " -> " + printable.Text(f.Link)
		}
		if width > 0 {
			path = wrapPath(path, max(minPath, width-indent), indent)
		}
		if _, err := fmt.Fprintf(w, line+"%s\n", fmt.Sprint(i.Layer), f.Change, f.ModeString(), f.Owner(), shownSize(f), path); err != nil {
			return err
		}
	}
	return l.tableTotals(w, width)
}

// wrapPath breaks a path into lines of n columns, after slashes if possible.
func wrapPath(path string, n, indent int) string {
	var lines []string
	for utf8.RuneCountInString(path) > n {
		head := string([]rune(path)[:n])
		if i := max(strings.LastIndexByte(head, '/'), strings.LastIndexByte(head, ' ')); i > 0 {
			head = head[:i+1]
		}
		lines, path = append(lines, head), path[len(head):]
	}
	return strings.Join(append(lines, path), "\n"+strings.Repeat(" ", indent))
}

// tableTotals writes the changes of each layer, and the instruction that created
// it.
func (l *FileListing) tableTotals(w io.Writer, width int) error {
	var all layerTotal
	line := "%5s  %7s  %7s  %7s  %6s  %9s  %s\n"
	const indent = 5 + 3*9 + 8 + 11 + 2
	if _, err := fmt.Fprintf(w, "\n"+line, "LAYER", "ADDED", "CHANGED", "DELETED", "OPAQUE", "SIZE", "MADE BY"); err != nil {
		return err
	}
	for _, t := range l.totals {
		by := instruction(t.CreatedBy)
		if width > 0 {
			by = printable.Cut(by, max(minPath, width-indent))
		}
		if _, err := fmt.Fprintf(w, line, fmt.Sprint(t.Layer), fmt.Sprint(t.Added), fmt.Sprint(t.Changed), fmt.Sprint(t.Deleted), fmt.Sprint(t.Opaque), printable.Size(t.Size), by); err != nil {
			return err
		}
		all.Added, all.Changed, all.Deleted, all.Opaque, all.Size = all.Added+t.Added, all.Changed+t.Changed, all.Deleted+t.Deleted, all.Opaque+t.Opaque, all.Size+t.Size
	}
	if len(l.totals) > 1 {
		if _, err := fmt.Fprintf(w, line, "all", fmt.Sprint(all.Added), fmt.Sprint(all.Changed), fmt.Sprint(all.Deleted), fmt.Sprint(all.Opaque), printable.Size(all.Size), ""); err != nil {
			return err
		}
	}
	for i, g := range l.gaps {
		if i == 0 {
			fmt.Fprintln(w, "\nNot listed:")
		}
		if _, err := fmt.Fprintf(w, "  %s\n", printable.Text(g.String())); err != nil {
			return err
		}
	}
	return nil
}

// instruction is a history entry without the shell command that builders add.
func instruction(s string) string {
	s = strings.TrimPrefix(s, "/bin/sh -c ")
	s = strings.TrimPrefix(s, "#(nop) ")
	return cmp.Or(strings.TrimSpace(printable.Text(s)), "-")
}

// JSON writes the listing for programs, one item per line.
func (l *FileListing) JSON(w io.Writer) error {
	head, err := json.Marshal(struct {
		Name     string          `json:"name"`
		ID       string          `json:"id,omitempty"`
		Digest   string          `json:"digest,omitempty"`
		Platform *assay.Platform `json:"platform,omitempty"`
		Layers   []layerTotal    `json:"layers"`
		Gaps     []assay.Gap     `json:"gaps,omitempty"`
	}{l.img.Name, l.img.ID, l.img.Digest, platformOf(l.img), l.totals, l.gaps})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\n\"files\":[", head[:len(head)-1]); err != nil {
		return err
	}
	comma := "\n"
	for i := range l.files.Items() {
		b, err := json.Marshal(i)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", comma, b); err != nil {
			return err
		}
		comma = ",\n"
	}
	_, err = io.WriteString(w, "\n]}\n")
	return err
}

func platformOf(img *assay.Image) *assay.Platform {
	if img.Platform == (assay.Platform{}) {
		return nil
	}
	return &img.Platform
}
