package stanza

import (
	"errors"
	"fmt"
)

// MaxErrors bounds what is said about one file; the rest is counted.
const MaxErrors = 20

// MaxPackages bounds the packages of one file: the largest distribution has
// some seventy thousand in all.
const MaxPackages = 200_000

// Errors collects what is wrong with a file. The zero value is ready.
type Errors struct {
	errs []error
	more int
}

// Add notes an error.
func (e *Errors) Add(err error) {
	if len(e.errs) == MaxErrors {
		e.more++
		return
	}
	e.errs = append(e.errs, err)
}

// Err joins what was noted; nil when nothing was.
func (e *Errors) Err() error {
	if e.more > 0 {
		return errors.Join(append(e.errs, fmt.Errorf("and %d more errors like these", e.more))...)
	}
	return errors.Join(e.errs...)
}
