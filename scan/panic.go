package scan

import (
	"fmt"
	"runtime/debug"
)

// A PanicError is a fault of assay's own that some input brought out. The process
// goes on: other scans are not touched.
type PanicError struct {
	During string // what was done, and with which input: "scan of app.tar"
	Value  any    // what the code panicked with
	Stack  []byte // where
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("%s: internal error: %v; please report it with the input", e.During, e.Value)
}

// catch makes a panic the error of the function that defers it.
func catch(err *error, format string, args ...any) {
	if v := recover(); v != nil {
		*err = &PanicError{fmt.Sprintf(format, args...), v, debug.Stack()}
	}
}
