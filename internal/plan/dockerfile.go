package plan

import (
	"encoding/json"
	"strings"

	"github.com/assaysec/assay"
)

// dockerfile puts the steps' lines into one file that builds the mended image on
// top of the scanned one. Where the image runs as somebody else the upgrades run
// as root, and the image does not.
func (p *Plan) dockerfile(r *assay.Report) {
	var lines []string
	for _, s := range p.Steps {
		lines = append(lines, s.Dockerfile...)
	}
	if len(lines) == 0 || !r.Kind.IsImage() {
		return
	}
	name := r.Image.Name
	if len(r.Image.RepoTags) > 0 {
		name = r.Image.RepoTags[0]
	}
	if !plain.MatchString(name) {
		name = "IMAGE"
	}
	p.Dockerfile = append(p.Dockerfile, "FROM "+name)
	if user := userOf(r); user != "" {
		lines = append(append([]string{"USER root"}, lines...), "USER "+user)
	}
	p.Dockerfile = append(p.Dockerfile, lines...)
}

// userOf is who an image runs as; "" for root.
func userOf(r *assay.Report) string {
	var c struct {
		Config struct{ User string } `json:"config"`
	}
	if json.Unmarshal(r.Image.Config, &c) != nil {
		return ""
	}
	switch name, _, _ := strings.Cut(c.Config.User, ":"); {
	case name == "", name == "root", name == "0", !plain.MatchString(c.Config.User):
		return ""
	}
	return c.Config.User
}
