package assay

import "errors"

// The errors that callers decide by. All other errors are only shown to the user. Wrap
// them with what the callee did not know: the place, then the cause.
var (
	ErrNotFound     = errors.New("not found")
	ErrMalformed    = errors.New("malformed")
	ErrTooLarge     = errors.New("too large")
	ErrUnsupported  = errors.New("unsupported")
	ErrUnauthorized = errors.New("not authorised")
)
