package assay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
)

// A SectionKind is a kind of results beside packages and their vulnerabilities: files,
// secrets, misconfigurations, licences. NewSectionKind makes one; package internal/section
// lists them. Its results are items, each about a path in a layer.
type SectionKind struct {
	Name    string   // in reports, caches and flags: "files"
	Title   string   // as a heading: "Files"
	About   string   // one line for help
	Columns []string // headings of what Row returns

	// Readers and Streamers find the items, and put them into Facts.Sections. They
	// run only in scans that want the kind.
	Readers   []Reader
	Streamers []Streamer

	item     reflect.Type
	perLayer func(item any, below bool)
	severity func(item any) Severity
	gates    func(item any) bool
	row      func(item any) []string
}

// SectionKindOf says what a kind with items of type T is. All of T's fields are
// exported: that is what is cached and reported. None of their JSON names is
// "path" or "layer", which every item has.
type SectionKindOf[T any] struct {
	Name, Title, About string
	Readers            []Reader
	Streamers          []Streamer

	// PerLayer, where set, keeps the items of every layer. It is called with each
	// item of the image, which it may complete; below says that a lower layer has
	// something at the item's path. Nil: an item holds while its path does, as a
	// package does. A higher layer that rewrites or deletes the path removes it.
	PerLayer func(item *T, below bool)

	// Severity rates an item. Nil: items have no severity, and a filter by
	// severity keeps them all.
	Severity func(*T) Severity

	// Gates reports whether an item counts for the exit code. Nil: none does.
	Gates func(*T) bool

	// Columns are the headings of what Row returns: an item beside its path and
	// layer, for tables.
	Columns []string
	Row     func(*T) []string
}

// NewSectionKind makes a kind. It panics when T is no struct or k has no name: kinds are
// constants of the program.
func NewSectionKind[T any](k SectionKindOf[T]) *SectionKind {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct || k.Name == "" {
		panic(fmt.Sprintf("kind %q of %v: want a name and a struct", k.Name, t))
	}
	out := &SectionKind{Name: k.Name, Title: k.Title, About: k.About, Columns: k.Columns, Readers: k.Readers, Streamers: k.Streamers, item: t}
	if k.PerLayer != nil {
		out.perLayer = func(item any, below bool) { k.PerLayer(item.(*T), below) }
	}
	if k.Severity != nil {
		out.severity = func(item any) Severity { return k.Severity(item.(*T)) }
	}
	if k.Gates != nil {
		out.gates = func(item any) bool { return k.Gates(item.(*T)) }
	}
	if k.Row != nil {
		out.row = func(item any) []string { return k.Row(item.(*T)) }
	}
	return out
}

// ItemType is the type of the kind's items; an Item.Value is a pointer to one.
func (k *SectionKind) ItemType() reflect.Type { return k.item }

// New returns a pointer to an empty item.
func (k *SectionKind) New() any { return reflect.New(k.item).Interface() }

// IsPerLayer reports whether items of lower layers stay when a higher one
// rewrites or deletes their path.
func (k *SectionKind) IsPerLayer() bool { return k.perLayer != nil }

// Complete lets the kind complete an item of one layer; see SectionKindOf.PerLayer.
func (k *SectionKind) Complete(item any, below bool) {
	if k.perLayer != nil {
		k.perLayer(item, below)
	}
}

// Severity rates an item; ok is false where the kind has no severities.
func (k *SectionKind) Severity(item any) (s Severity, ok bool) {
	if k.severity == nil {
		return SeverityUnknown, false
	}
	return k.severity(item), true
}

// Gates reports whether an item counts for the exit code.
func (k *SectionKind) Gates(item any) bool { return k.gates != nil && k.gates(item) }

// Row returns an item's columns; nil where the kind has none.
func (k *SectionKind) Row(item any) []string {
	if k.row == nil {
		return nil
	}
	return k.row(item)
}

// Add adds an item of kind k, a pointer to the kind's type, to what a file says.
func (f *Facts) Add(k *SectionKind, item any) {
	if f.Sections == nil {
		f.Sections = map[string][]any{}
	}
	f.Sections[k.Name] = append(f.Sections[k.Name], item)
}

// An Item is one result of a kind, and where it is.
type Item struct {
	Path  string // inside the image, no leading slash
	Layer int    // from 0, lowest first
	Value any    // a pointer to the kind's type
}

// MarshalJSON writes the value's fields after path and layer, as one object.
func (i Item) MarshalJSON() ([]byte, error) {
	at, err := json.Marshal(struct {
		Path  string `json:"path"`
		Layer int    `json:"layer"`
	}{i.Path, i.Layer})
	if err != nil {
		return nil, err
	}
	value, err := json.Marshal(i.Value)
	if err != nil {
		return nil, err
	}
	if len(value) < 2 || value[0] != '{' {
		return nil, fmt.Errorf("an item of %T is no JSON object: %w", i.Value, ErrUnsupported)
	}
	if string(value) == "{}" {
		return at, nil
	}
	return append(append(at[:len(at)-1], ','), value[1:]...), nil
}

// A Section holds the items of one kind, in the order of their layers and paths.
// They are made when they are asked for: millions do not have to be in memory at
// once.
type Section struct {
	Kind  *SectionKind // nil in a report that was read, until Decode
	items iter.Seq[Item]
	raw   json.RawMessage // of a report that was read
}

// NewSection makes a section of items, which can be asked for more than once.
func NewSection(k *SectionKind, items iter.Seq[Item]) *Section {
	return &Section{Kind: k, items: items}
}

// Items yields the items; none where the kind is not known.
func (s *Section) Items() iter.Seq[Item] {
	if s == nil || s.items == nil {
		return func(func(Item) bool) {}
	}
	return s.items
}

// Len counts the items.
func (s *Section) Len() (n int) {
	for range s.Items() {
		n++
	}
	return n
}

// A SectionFilter says which items are wanted. The zero value keeps all.
type SectionFilter struct {
	Severities []Severity             // nil: all; kinds without severities are kept
	Path       func(path string) bool // nil: all
	Layer      func(layer int) bool   // nil: all
}

// Filter returns a section with the items that f wants.
func (s *Section) Filter(f SectionFilter) *Section {
	return NewSection(s.Kind, func(yield func(Item) bool) {
		for i := range s.Items() {
			if f.Layer != nil && !f.Layer(i.Layer) || f.Path != nil && !f.Path(i.Path) {
				continue
			}
			if severity, ok := s.Kind.Severity(i.Value); ok && f.Severities != nil && !slices.Contains(f.Severities, severity) {
				continue
			}
			if !yield(i) {
				return
			}
		}
	})
}

// Gating counts the items that count for the exit code.
func (s *Section) Gating() (n int) {
	if s.Kind == nil || s.Kind.gates == nil {
		return 0
	}
	for i := range s.Items() {
		if s.Kind.Gates(i.Value) {
			n++
		}
	}
	return n
}

// MarshalJSON writes the items as an array. Those of a kind that is not known are
// written as they were read.
func (s *Section) MarshalJSON() ([]byte, error) {
	if s.items == nil {
		if s.raw == nil {
			return []byte("[]"), nil
		}
		return s.raw, nil
	}
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range s.Items() {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		item, err := i.MarshalJSON()
		if err != nil {
			return nil, err
		}
		b.Write(item)
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

// UnmarshalJSON keeps the items for Decode.
func (s *Section) UnmarshalJSON(b []byte) error {
	*s = Section{raw: slices.Clone(b)}
	return nil
}

// decode makes the items of a section that was read.
func (s *Section) decode(k *SectionKind) error {
	var raws []json.RawMessage
	if err := json.Unmarshal(s.raw, &raws); err != nil {
		return fmt.Errorf("section %s: %w: %w", k.Name, err, ErrMalformed)
	}
	items := make([]Item, len(raws))
	for i, raw := range raws {
		var at struct {
			Path  string
			Layer int
		}
		v := k.New()
		if err := json.Unmarshal(raw, &at); err != nil {
			return fmt.Errorf("section %s: %w: %w", k.Name, err, ErrMalformed)
		}
		if err := json.Unmarshal(raw, v); err != nil {
			return fmt.Errorf("section %s: %w: %w", k.Name, err, ErrMalformed)
		}
		items[i] = Item{at.Path, at.Layer, v}
	}
	s.Kind, s.items, s.raw = k, slices.Values(items), nil
	return nil
}

// Sections are a report's sections by the name of their kind.
type Sections map[string]*Section

// Decode makes the sections of a report that was read usable, where their kind is
// among kinds. Others stay as they are, and are written as they were read.
func (s Sections) Decode(kinds []*SectionKind) error {
	for _, k := range kinds {
		if x := s[k.Name]; x != nil && x.items == nil {
			if err := x.decode(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// Unwritten names the sections of a report that a format does not write, by title.
func (f *Format) Unwritten(r *Report) (titles []string) {
	if f.AllSections {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.Sections)) {
		switch s := r.Sections[name]; {
		case slices.Contains(f.Sections, name):
		case s.Kind != nil:
			titles = append(titles, s.Kind.Title)
		default:
			titles = append(titles, name)
		}
	}
	return titles
}
