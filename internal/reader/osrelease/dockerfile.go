package osrelease

import (
	"strings"

	"github.com/assaysec/assay"
)

// This file reads the labels of the Dockerfiles that older Red Hat images carry.
// https://docs.docker.com/reference/dockerfile/

const (
	// maxNVR bounds the name of an image; known ones have less than a hundred bytes.
	maxNVR = 1 << 10
	// maxExpanded bounds what all variables of a file expand to: variables that repeat
	// others would grow without end.
	maxExpanded = 1 << 20
)

// dockerfile reads the image's own name, version and release.
func dockerfile(text string) (*assay.Release, error) {
	b := build{room: maxExpanded}
	for _, instruction := range instructions(text) {
		b.run(instruction)
	}
	v := b.labels
	if v["com.redhat.component"] == "" || v["version"] == "" || v["release"] == "" {
		return nil, nil
	}
	nvr := v["com.redhat.component"] + "-" + v["version"] + "-" + v["release"]
	if v["architecture"] != "" {
		nvr += "-" + v["architecture"]
	}
	if len(nvr) > maxNVR {
		return nil, nil
	}
	return &assay.Release{NVR: nvr}, nil
}

// instructions joins the lines of each instruction. Comments and empty lines between
// them do not end one.
func instructions(text string) (out []string) {
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		rest, more := strings.CutSuffix(line, `\`)
		if parts = append(parts, rest); !more {
			out, parts = append(out, strings.Join(parts, " ")), nil
		}
	}
	if parts != nil {
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

// A build is the state after some instructions of a Dockerfile.
type build struct {
	labels, variables map[string]string // of the stage
	global            map[string]string // arguments before the first stage
	inStage           bool
	room              int // bytes that variables may still expand to
}

// run runs an instruction, as far as labels depend on it.
func (b *build) run(instruction string) {
	name, rest, _ := strings.Cut(instruction, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToUpper(name) {
	case "FROM":
		b.inStage, b.labels, b.variables = true, nil, nil
	case "ARG":
		for _, word := range b.words(rest) {
			key, value, ok := strings.Cut(word, "=")
			switch {
			case !b.inStage:
				set(&b.global, key, value)
				set(&b.variables, key, value)
			case ok:
				set(&b.variables, key, value)
			case b.global[key] != "":
				set(&b.variables, key, b.global[key])
			}
		}
	case "ENV":
		b.assign(&b.variables, rest)
	case "LABEL":
		b.assign(&b.labels, rest)
	}
}

// assign reads "a=b c=d", and the older form "a b" with one value.
func (b *build) assign(to *map[string]string, text string) {
	words := b.words(text)
	if len(words) > 1 && !strings.Contains(words[0], "=") {
		set(to, words[0], strings.Join(words[1:], " "))
		return
	}
	for _, word := range words {
		if key, value, ok := strings.Cut(word, "="); ok {
			set(to, key, value)
		}
	}
}

// set sets a value; there are as many as a file of bounded size names.
func set(to *map[string]string, key, value string) {
	if *to == nil {
		*to = map[string]string{}
	}
	(*to)[key] = value
}

// words splits text at blanks outside quotes, takes off quotes and backslashes, and puts
// in the values of variables, except between single quotes.
func (b *build) words(text string) (out []string) {
	var word strings.Builder
	var quote byte
	started := false
	end := func() {
		if started {
			out = append(out, word.String())
		}
		word.Reset()
		started = false
	}
	add := func(s string) {
		started = true
		word.WriteString(s)
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote == 0 && (c == ' ' || c == '\t'):
			end()
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, started = c, true
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			add(text[i : i+1])
		case c == '$' && quote != '\'':
			value, n := b.expand(text[i:])
			if b.room -= len(value); b.room >= 0 {
				add(value)
			}
			i += n - 1
		default:
			add(text[i : i+1])
		}
	}
	end()
	return out
}

// expand returns the value of the variable at the beginning of s, and its length there.
func (b *build) expand(s string) (value string, n int) {
	if inner, ok := strings.CutPrefix(s, "${"); ok {
		inner, _, ok = strings.Cut(inner, "}")
		if !ok {
			return s, len(s)
		}
		n = len("${}") + len(inner)
		name := inner[:nameLength(inner)]
		value = b.variables[name]
		if operator, other, _ := cutOperator(inner[len(name):]); operator == '-' && value == "" || operator == '+' && value != "" {
			value = other
		}
		return value, n
	}
	n = 1 + nameLength(s[1:])
	if n == 1 {
		return "$", 1
	}
	return b.variables[s[1:n]], n
}

// cutOperator reads ":-other" and ":+other", with or without the colon.
func cutOperator(s string) (operator byte, other string, ok bool) {
	s = strings.TrimPrefix(s, ":")
	if s == "" {
		return 0, "", false
	}
	return s[0], s[1:], true
}

// nameLength returns how many bytes of s are the name of a variable.
func nameLength(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n
}
