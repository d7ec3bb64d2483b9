package sqlitefile

import (
	"slices"
	"strings"
)

// A definition is the content of CREATE TABLE.
type definition struct {
	columns []string // those stored in rows
	integer []bool   // which of them are of type INTEGER
	key     int      // the column that is the rowid; -1 without one
	keyed   bool     // WITHOUT ROWID
}

// define parses the CREATE TABLE text in the schema. A definition that it cannot
// parse has no columns. https://www.sqlite.org/lang_createtable.html
func define(sql string) definition {
	d := definition{key: -1}
	words := tokens(sql)
	begin := slices.IndexFunc(words, func(t token) bool { return t.is("(") })
	if begin < 0 {
		return d
	}
	primary, depth := "", 0
	from := begin + 1
	i := begin
	for ; i < len(words); i++ {
		if words[i].is("(") {
			depth++
			continue
		}
		if words[i].is(")") {
			depth--
		}
		if depth == 0 || depth == 1 && words[i].is(",") {
			if p := d.add(words[from:i]); p != "" {
				primary = p
			}
			from = i + 1
		}
		if depth == 0 {
			break
		}
	}
	d.keyed = find(words[min(i, len(words)):], "WITHOUT", "ROWID") >= 0
	if at := slices.IndexFunc(d.columns, func(c string) bool { return strings.EqualFold(c, primary) }); d.key < 0 && at >= 0 && d.integer[at] {
		d.key = at
	}
	return d
}

// constraints are keywords that may follow a column's type.
var constraints = []string{"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS", "("}

// add adds a column. For a table constraint that makes a single column the
// primary key it returns that column.
func (d *definition) add(words []token) (primary string) {
	if len(words) == 0 {
		return ""
	}
	if slices.ContainsFunc([]string{"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}, words[0].is) {
		if at := find(words, "PRIMARY", "KEY", "("); (at == 0 || at == 2) && len(words) > at+4 && words[at+4].is(")") {
			return words[at+3].text
		}
		return ""
	}
	rest := words[1:]
	end := slices.IndexFunc(rest, func(t token) bool { return slices.ContainsFunc(constraints, t.is) })
	if end < 0 {
		end = len(rest)
	}
	integer := end == 1 && strings.EqualFold(rest[0].text, "INTEGER")
	rest = rest[end:]
	if find(rest, "AS", "(") >= 0 && find(rest, "STORED") < 0 { // computed when it is read
		return ""
	}
	if at := find(rest, "PRIMARY", "KEY"); at >= 0 && integer && (at+2 == len(rest) || !rest[at+2].is("DESC")) {
		d.key = len(d.columns)
	}
	d.columns, d.integer = append(d.columns, words[0].text), append(d.integer, integer)
	return ""
}

// find is the index of a sequence of words; -1 if it is missing.
func find(in []token, words ...string) int {
	for i := range len(in) - len(words) + 1 {
		if slices.EqualFunc(in[i:i+len(words)], words, token.is) {
			return i
		}
	}
	return -1
}

// A token is a word, a quoted name or a punctuation mark.
type token struct {
	text   string
	quoted bool
}

// is reports whether t is a keyword or punctuation mark.
func (t token) is(word string) bool { return !t.quoted && strings.EqualFold(t.text, word) }

// quotes are the characters around names.
var quotes = map[byte]byte{'"': '"', '`': '`', '\'': '\'', '[': ']'}

// tokens splits SQL into tokens, without comments.
func tokens(sql string) (out []token) {
	for sql != "" {
		c := sql[0]
		end, quoted := quotes[c]
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			_, sql, _ = strings.Cut(sql, "*/")
		case quoted:
			var t token
			t, sql = name(sql[1:], end)
			out = append(out, t)
		case isWordByte(c):
			n := 1
			for n < len(sql) && isWordByte(sql[n]) {
				n++
			}
			out = append(out, token{text: sql[:n]})
			sql = sql[n:]
		default:
			if c > ' ' {
				out = append(out, token{text: sql[:1]})
			}
			sql = sql[1:]
		}
	}
	return out
}

// name reads a name up to its closing quote; a doubled quote is a quote in the
// name.
func name(sql string, end byte) (token, string) {
	var b strings.Builder
	for i := 0; i < len(sql); i++ {
		if sql[i] == end {
			if end == ']' || i+1 == len(sql) || sql[i+1] != end {
				return token{b.String(), true}, sql[i+1:]
			}
			i++
		}
		b.WriteByte(sql[i])
	}
	return token{b.String(), true}, ""
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
