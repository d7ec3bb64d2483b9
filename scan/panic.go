package scan

import (
	"fmt"
	"runtime/debug"

	"github.com/assaysec/assay/internal/inventory"
)

// A PanicError is a fault of assay's own that some input brought out, with the stack. The
// process goes on: other scans are not touched.
type PanicError = inventory.PanicError

// catch makes a panic the error of the function that defers it.
func catch(err *error, format string, args ...any) {
	if v := recover(); v != nil {
		*err = &PanicError{During: fmt.Sprintf(format, args...), Value: v, Stack: debug.Stack()}
	}
}
