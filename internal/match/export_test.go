package match

import (
	"context"

	"github.com/assaysec/assay"
)

// Judge is Packages, with all judgements.
func Judge(ctx context.Context, inv *assay.Inventory, advisories assay.Advisories, o Options) (Result, []Judgement, error) {
	var all []Judgement
	res, err := judge(ctx, inv, advisories, o, &request{visit: func(j *Judgement) { all = append(all, *j) }})
	return res, all, err
}
