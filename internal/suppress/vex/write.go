package vex

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/assaysec/assay"
)

// Context is the version of OpenVEX in written documents.
const Context = "https://openvex.dev/ns/v0.2.0"

// Justifications are OpenVEX's reasons why a product is not affected.
// https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#status-justifications
var Justifications = []string{"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
	"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist"}

// Statuses are those of OpenVEX.
var Statuses = []assay.Status{assay.StatusNotAffected, assay.StatusAffected, assay.StatusFixed, assay.StatusUnderInvestigation}

func notOfID(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// Check returns an error if a statement lacks what OpenVEX requires: a product,
// a valid status, why the product is not affected. Advice names recommended
// parts that are missing.
func (s *Statement) Check() (advice string, _ error) {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf(format+": %w", append(args, assay.ErrMalformed)...)
	}
	switch {
	case s.Vulnerability == "":
		return "", wrong("no vulnerability")
	case slices.ContainsFunc(append([]string{s.Vulnerability}, s.Aliases...), func(id string) bool { return strings.ContainsFunc(id, notOfID) }):
		return "", wrong("invalid vulnerability ID %.200q: it has a space or a character that cannot be printed", append([]string{s.Vulnerability}, s.Aliases...))
	case len(s.Products) == 0:
		return "", wrong("no product")
	case !slices.Contains(Statuses, s.Status):
		return "", wrong("status %q is not one of %s", s.Status, joined(Statuses))
	case s.Justification != "" && s.Status != assay.StatusNotAffected:
		return "", wrong("a justification is for %s only", assay.StatusNotAffected)
	case s.Justification != "" && !slices.Contains(Justifications, s.Justification):
		return "", wrong("justification %q is not one of %s", s.Justification, joined(Justifications))
	case s.Status == assay.StatusNotAffected && s.Justification+s.Impact == "":
		return "", wrong("%s needs a justification or an impact statement", assay.StatusNotAffected)
	}
	for i := range s.Products {
		if bad := s.Products[i].malformed(); bad != "" {
			return "", wrong("%.200q is not a package URL", bad)
		}
	}
	if s.Status == assay.StatusAffected && s.ActionStatement == "" {
		advice = "a statement that a product is affected should say what to do"
	}
	return advice, nil
}

func joined[S ~string](all []S) string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// An OpenVEX is an OpenVEX document to write or extend; unknown members stay.
type OpenVEX struct {
	members    map[string]json.RawMessage
	statements []json.RawMessage
}

// order is the order of the members in the specification.
var order = []string{"@context", "@id", "author", "role", "timestamp", "last_updated", "version", "tooling", "statements"}

// NewOpenVEX begins a document. Write creates its identifier.
func NewOpenVEX(author, tooling string, at time.Time) *OpenVEX {
	d := &OpenVEX{members: map[string]json.RawMessage{}}
	d.set("@context", Context)
	d.set("author", author)
	d.set("timestamp", stamp(at))
	d.set("version", 0)
	d.set("tooling", tooling)
	return d
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func (d *OpenVEX) set(name string, value any) {
	d.members[name] = encode(value)
}

// encode writes indented JSON of strings and numbers, which cannot fail.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return bytes.TrimSpace(b.Bytes())
}

// ReadOpenVEX reads a document to extend, which must be valid.
func ReadOpenVEX(b []byte) (*OpenVEX, error) {
	doc, err := Read(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if doc.Format != "openvex" {
		return nil, fmt.Errorf("%s, and only OpenVEX can be added to: %w", doc.Format, assay.ErrUnsupported)
	}
	d := &OpenVEX{}
	err = json.Unmarshal(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &d.members)
	if err == nil {
		err = json.Unmarshal(d.members["statements"], &d.statements)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return d, nil
}

// SetAuthor replaces the author.
func (d *OpenVEX) SetAuthor(author string) { d.set("author", author) }

// Add appends a statement with a time, and makes the document a new version of
// that time. Existing statements keep their times: the document's timestamp is
// unchanged.
func (d *OpenVEX) Add(at time.Time, statements ...Statement) {
	first := len(d.statements) == 0
	for i := range statements {
		s := &statements[i]
		w := written{Vulnerability: writtenVulnerability{Name: s.Vulnerability, Aliases: s.Aliases}, Status: s.Status, Justification: s.Justification,
			Impact: s.Impact, Action: s.ActionStatement, Notes: s.Notes}
		if !first {
			w.Timestamp = stamp(at)
		}
		for _, p := range s.Products {
			c := writtenProduct{ID: p.stripped()}
			for _, sub := range p.Subcomponents {
				c.Subcomponents = append(c.Subcomponents, writtenPart{sub})
			}
			w.Products = append(w.Products, c)
		}
		d.statements = append(d.statements, encode(w))
	}
	d.set("last_updated", stamp(at))
	var version any
	_ = json.Unmarshal(d.members["version"], &version) // an invalid version counts as 0
	switch v := version.(type) {
	case string: // before v0.0.2
		n, _ := strconv.ParseInt(v, 10, 32)
		d.set("version", fmt.Sprint(n+1))
	case float64:
		d.set("version", int64(v)+1)
	default:
		d.set("version", 1)
	}
}

// A written statement.
type written struct {
	Vulnerability writtenVulnerability `json:"vulnerability"`
	Timestamp     string               `json:"timestamp,omitempty"`
	Products      []writtenProduct     `json:"products"`
	Status        assay.Status         `json:"status"`
	Notes         string               `json:"status_notes,omitempty"`
	Justification string               `json:"justification,omitempty"`
	Impact        string               `json:"impact_statement,omitempty"`
	Action        string               `json:"action_statement,omitempty"`
}

type writtenVulnerability struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
}

type writtenProduct struct {
	ID            string        `json:"@id"`
	Subcomponents []writtenPart `json:"subcomponents,omitempty"`
}

type writtenPart struct {
	ID string `json:"@id"`
}

// Write writes the document. A document without an identifier gets one derived
// from its content, so that equal documents have equal identifiers.
func (d *OpenVEX) Write(w io.Writer) error {
	all := d.statements
	if all == nil {
		all = []json.RawMessage{}
	}
	d.members["statements"] = encode(all)
	if d.members["@id"] == nil && d.members["id"] == nil {
		h := sha256.New()
		for _, name := range []string{"author", "timestamp", "statements"} {
			fmt.Fprintf(h, "%s %s\n", name, d.members[name])
		}
		d.set("@id", "https://openvex.dev/docs/public/vex-"+hex.EncodeToString(h.Sum(nil)))
	}
	names := slices.Clone(order)
	for _, name := range slices.Sorted(maps.Keys(d.members)) {
		if !slices.Contains(order, name) {
			names = append(names, name)
		}
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for _, name := range names {
		if d.members[name] == nil {
			continue
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(encode(name))
		out.WriteByte(':')
		out.Write(d.members[name])
	}
	out.WriteByte('}')
	return indented(w, out.Bytes())
}

func indented(w io.Writer, b []byte) error {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}
