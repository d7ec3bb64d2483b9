package java

import (
	"fmt"
	"strconv"
	"strings"
)

// parseProperties reads a file of properties: "key=value", "key: value" or
// "key value" lines, comments, continuations and escapes.
//
// Format: https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
func parseProperties(b []byte) map[string]string {
	props := map[string]string{}
	text := strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimLeft(lines[i], " \t\f\ufeff")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		if continued(line) {
			var whole strings.Builder
			for continued(line) && i+1 < len(lines) {
				i++
				whole.WriteString(line[:len(line)-1])
				line = strings.TrimLeft(lines[i], " \t\f")
			}
			whole.WriteString(line)
			line = whole.String()
		}
		end := 0
		for end < len(line) && !strings.ContainsRune("=: \t\f", rune(line[end])) {
			if line[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(line))
		value := strings.TrimLeft(line[end:], " \t\f")
		if value != "" && (value[0] == '=' || value[0] == ':') {
			value = value[1:]
		}
		props[unescape(line[:end])] = strings.TrimSpace(unescape(value))
	}
	return props
}

// continued reports whether a line ends in an odd number of backslashes.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			out.WriteByte('\t')
		case 'n', 'r', 'f':
			out.WriteByte(' ')
		case 'u':
			if i+4 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+5], 16, 16); err == nil {
					out.WriteRune(rune(n))
					i += 4
				}
			}
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// count is "1 thing" or "3 things".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
