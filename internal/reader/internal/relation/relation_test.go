package relation

import (
	"testing"

	"github.com/assaysec/assay"
)

func TestMark(t *testing.T) {
	ps := []assay.Package{
		{Name: "app", Version: "1", Relation: assay.RelationRoot},
		{Name: "a", Version: "1", DependsOn: []string{"b@1"}},
		{Name: "b", Version: "1", DependsOn: []string{"a@1", "gone@1"}}, // a circle
		{Name: "test", Version: "1", DependsOn: []string{"b@1", "helper@2"}},
		{Name: "helper", Version: "2"},
		{Name: "lone", Version: "1"},
	}
	Mark(ps, []string{"a@1"}, []string{"test@1"})
	for i, want := range []struct {
		relation assay.Relation
		dev      bool
	}{{assay.RelationRoot, false}, {assay.RelationDirect, false}, {assay.RelationIndirect, false}, {assay.RelationDirect, true}, {assay.RelationIndirect, true}, {assay.RelationIndirect, false}} {
		if ps[i].Relation != want.relation || ps[i].Dev != want.dev {
			t.Errorf("%s: %s, dev %v, want %+v", ps[i].Ref(), ps[i].Relation, ps[i].Dev, want)
		}
	}
}
