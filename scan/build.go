package scan

import (
	"fmt"
	"os"
	"runtime/debug"
)

// build identifies the program's code. Cached contents of layers are valid for
// this build only, because another build may read more. A build without a
// revision is identified by its executable file.
func build() string {
	revision, modified := "", "true"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value
			case "vcs.modified":
				modified = s.Value
			}
		}
	}
	if revision != "" && modified == "false" {
		return revision
	}
	path, err := os.Executable()
	if err != nil {
		return "unknown"
	}
	info, err := os.Stat(path)
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano())
}
