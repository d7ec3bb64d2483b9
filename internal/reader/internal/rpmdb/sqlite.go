package rpmdb

import (
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/sqlitefile"
)

// sqliteTable (hnum, blob) holds the headers.
const sqliteTable = "Packages"

// sqlite visits the blobs of the table in the order of their keys.
func (d *database) sqlite(v visit) {
	pageSize, err := sqlitefile.PageSize(d.file)
	if err != nil {
		v(nil, fmt.Errorf("sqlite: %w", err))
		return
	}
	var content io.ReaderAt = d.file
	size := d.file.Size()
	if d.log != nil {
		// A log that cannot be used leaves the database as it was before.
		frames, err := readLog(d.log, pageSize)
		if err != nil && !v(nil, fmt.Errorf("write-ahead log: %w", err)) {
			return
		}
		if len(frames) > 0 {
			o := overlay{d.file, d.log, int64(pageSize), frames}
			content, size = o, o.size()
		}
	}
	f, err := sqlitefile.Open(content, size)
	if err != nil {
		v(nil, fmt.Errorf("sqlite: %w", err))
		return
	}
	for t, err := range f.Tables() {
		if err != nil {
			if !v(nil, err) {
				return
			}
			continue
		}
		if strings.EqualFold(t.Name, sqliteTable) {
			packages(t, v)
			return
		}
	}
	v(nil, fmt.Errorf("sqlite: no table %s: %w", sqliteTable, assay.ErrMalformed))
}

// packages visits the headers in the table.
func packages(t *sqlitefile.Table, v visit) {
	for r, err := range t.Rows() {
		var blob []byte
		if err == nil {
			var ok bool
			if blob, ok = r.Value(1).([]byte); !ok {
				err = fmt.Errorf("row %d: no header in it: %w", r.ID, assay.ErrMalformed)
			}
		}
		if !v(blob, err) {
			return
		}
	}
}

// overlay is a database under its log: pages that are in the log are read from
// there.
type overlay struct {
	file, log *io.SectionReader
	pageSize  int64
	frames    map[uint32]int64 // pages in the log: their offset there
}

// size is that of the database with what the log adds, which is no more than
// the log has.
func (o overlay) size() int64 {
	pages := o.file.Size() / o.pageSize
	last := pages
	for page := range o.frames {
		last = max(last, int64(page))
	}
	return min(last, pages+int64(len(o.frames))) * o.pageSize
}

// ReadAt reads within one page.
func (o overlay) ReadAt(p []byte, off int64) (int, error) {
	if at, ok := o.frames[uint32(off/o.pageSize)+1]; ok {
		return o.log.ReadAt(p, at+off%o.pageSize)
	}
	return o.file.ReadAt(p, off)
}
