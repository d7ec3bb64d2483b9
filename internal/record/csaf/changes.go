package csaf

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/identifier/cve"
)

const maxList = 256 << 20 // bytes of a list; Red Hat's has 20 MB (2026)

// paths matches valid paths of a list: files below it.
var paths = regexp.MustCompile(`^\w[\w.+-]*(?:/\w[\w.+-]*)*\.json$`)

// Changes reads changes.csv, which has the time of each document by its path
// below the list, and deletions.csv of the same format. A path that appears
// twice has the later time.
// https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html#7113-requirement-13-changescsv
func Changes(r io.Reader) (map[string]time.Time, error) {
	list := map[string]time.Time{}
	rows := csv.NewReader(limit.Reader(r, maxList))
	rows.FieldsPerRecord, rows.ReuseRecord = 2, true
	for {
		row, err := rows.Read()
		var parse *csv.ParseError
		switch {
		case err == io.EOF && len(list) == 0:
			return nil, fmt.Errorf("empty: %w", assay.ErrMalformed)
		case err == io.EOF:
			return list, nil
		case errors.As(err, &parse):
			return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
		case err != nil:
			return nil, err
		}
		at := cve.Time(row[1])
		if at.IsZero() || !paths.MatchString(row[0]) {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("line %d: %.80q is not a path and a time: %w", line, row, assay.ErrMalformed)
		}
		if old, ok := list[row[0]]; !ok || at.After(old) {
			list[row[0]] = at
		}
	}
}
