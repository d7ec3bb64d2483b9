package beam

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay"
)

// A term is one of Erlang's or Elixir's, as its source has it.
type term struct {
	kind  byte   // 'a' atom or number, 's' string or binary, '(' tuple, '[' list, '%' map, whose items are tuples
	text  string // of an atom or string
	items []term
}

// tuple reports whether t is a tuple with an atom, or string, of that name in
// front.
func (t term) tuple(name string, least int) bool {
	return t.kind == '(' && len(t.items) >= least && len(t.items) > 0 && t.items[0].text == name
}

// get is the value that a list of pairs, or a map, has for a key.
func (t term) get(key string) term {
	for _, p := range t.items {
		if p.tuple(key, 2) {
			return p.items[1]
		}
	}
	return term{}
}

const (
	maxNested = 64      // terms in each other; lock files have six
	maxTerms  = 1 << 20 // in a file; lock files have some thousand, and each costs 64 bytes
)

// A parser reads the terms of Erlang's configuration files, and the literals
// of Elixir's. Operators and calls are none.
// https://www.erlang.org/doc/system/data_types.html, https://hexdocs.pm/elixir/syntax-reference.html
type parser struct {
	s       string
	at      int
	elixir  bool
	started int // terms
}

func (p *parser) bad() error {
	line := 1 + strings.Count(p.s[:min(p.at, len(p.s))], "\n")
	return fmt.Errorf("line %d: invalid term at %.20q: %w", line, p.s[min(p.at, len(p.s)):], assay.ErrMalformed)
}

// space skips blanks and comments, which begin with "%" in Erlang and with "#"
// in Elixir.
func (p *parser) space() {
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.at++
		case c == '%' && !p.elixir, c == '#' && p.elixir:
			end := strings.IndexByte(p.s[p.at:], '\n')
			if end < 0 {
				p.at = len(p.s)
				return
			}
			p.at += end
		default:
			return
		}
	}
}

func (p *parser) take(sign string) bool {
	if strings.HasPrefix(p.s[p.at:], sign) {
		p.at += len(sign)
		return true
	}
	return false
}

// term reads the next one. After an error it is what came before it.
func (p *parser) term(depth int) (term, error) {
	p.space()
	if p.started++; depth > maxNested || p.started > maxTerms {
		return term{}, fmt.Errorf("more than %d terms, or %d nested terms: %w", maxTerms, maxNested, assay.ErrTooLarge)
	}
	switch {
	case p.at == len(p.s):
		return term{}, p.bad()
	case p.take("%{"), p.take("#{"):
		return p.items('%', "}", depth)
	case p.take("{"):
		return p.items('(', "}", depth)
	case p.take("["):
		return p.items('[', "]", depth)
	case p.take("<<"):
		return p.binary()
	case p.take("\""):
		return p.text()
	case p.take("$") && p.at < len(p.s): // a character, "$a" or "$\n"
		p.take("\\")
		p.at = min(p.at+1, len(p.s))
		return term{kind: 'a', text: "$"}, nil
	case p.take("'"):
		return p.quoted('a', '\'')
	case p.take(":\""):
		return p.quoted('a', '"')
	}
	p.take(":")
	start := p.at
	for p.at < len(p.s) && (word(p.s[p.at]) || strings.IndexByte(".+-?!@", p.s[p.at]) >= 0 && p.inWord()) {
		p.at++
	}
	if p.at == start {
		return term{}, p.bad()
	}
	return term{kind: 'a', text: p.s[start:p.at]}, nil
}

// inWord reports whether a sign belongs to the word around it: the dot that
// ends an Erlang term does not.
func (p *parser) inWord() bool { return p.at+1 < len(p.s) && word(p.s[p.at+1]) }

func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// items reads what a bracket holds. Pairs "key => value" and "key: value" are
// tuples.
func (p *parser) items(kind byte, end string, depth int) (term, error) {
	t := term{kind: kind}
	for {
		p.space()
		if p.take(end) {
			return t, nil
		}
		item, err := p.term(depth + 1)
		if err == nil {
			p.space()
			if p.take("=>") || p.take(":=") || p.elixir && p.take(":") {
				value, failed := p.term(depth + 1)
				item, err = term{kind: '(', items: []term{item, value}}, failed
			}
		}
		if item.kind != 0 {
			t.items = append(t.items, item)
		}
		if err != nil {
			return t, err
		}
		p.space()
		if !p.take(",") && !p.take("|") && !strings.HasPrefix(p.s[p.at:], end) {
			return t, p.bad()
		}
	}
}

// binary reads <<"text">> or <<"text"/utf8>>; of one in numbers nothing.
func (p *parser) binary() (term, error) {
	t := term{kind: 's'}
	p.space()
	if p.take("\"") {
		var err error
		if t, err = p.quoted('s', '"'); err != nil {
			return t, err
		}
	}
	end := strings.Index(p.s[p.at:], ">>")
	if end < 0 {
		return t, p.bad()
	}
	p.at += end + 2
	return t, nil
}

// text reads a string, or several after each other, which are one in Erlang.
func (p *parser) text() (term, error) {
	t, err := p.quoted('s', '"')
	for p.space(); err == nil && !p.elixir && p.take("\""); p.space() {
		var more term
		more, err = p.quoted('s', '"')
		t.text += more.text
	}
	return t, err
}

func (p *parser) quoted(kind, end byte) (term, error) {
	var b strings.Builder
	for start := p.at; p.at < len(p.s); p.at++ {
		switch c := p.s[p.at]; {
		case c == end:
			b.WriteString(p.s[start:p.at])
			p.at++
			return term{kind: kind, text: b.String()}, nil
		case c == '\\' && p.at+1 < len(p.s):
			b.WriteString(p.s[start:p.at])
			p.at++
			start = p.at // the sign itself; of escapes like \n nobody asks
		}
	}
	return term{}, p.bad()
}
