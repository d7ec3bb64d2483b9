package secdb

import "encoding/json"

// UnmarshalJSON accepts what generators have written for "no fixes": {}, [] or
// null, for all fixes or for one version. It also accepts a single identifier
// instead of a list.
func (f *fixes) UnmarshalJSON(b []byte) error {
	*f = nil
	if isNone(b) {
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*f = make(fixes, len(raw))
	for version, ids := range raw {
		if isNone(ids) {
			continue
		}
		if ids[0] == '"' {
			ids = append(append([]byte{'['}, ids...), ']')
		}
		var list []string
		if err := json.Unmarshal(ids, &list); err != nil {
			return err
		}
		(*f)[version] = list
	}
	return nil
}

func isNone(b []byte) bool {
	var empty []json.RawMessage
	return json.Unmarshal(b, &empty) == nil && len(empty) == 0 // null is an empty slice, too
}
