package stanza

import (
	"errors"
	"fmt"
)

// MaxErrors bounds the reported errors of one file; the rest is counted.
const MaxErrors = 20

// MaxPackages bounds the packages of one file: the largest distribution has
// some seventy thousand in all.
const MaxPackages = 200_000

// Errors collects the errors of a file. The zero value is ready.
type Errors struct {
	errs []error
	more int
}

// Add adds an error.
func (e *Errors) Add(err error) {
	if len(e.errs) == MaxErrors {
		e.more++
		return
	}
	e.errs = append(e.errs, err)
}

// Err joins the errors; nil if there are none.
func (e *Errors) Err() error {
	if e.more > 0 {
		return errors.Join(append(e.errs, fmt.Errorf("and %d more errors like these", e.more))...)
	}
	return errors.Join(e.errs...)
}
