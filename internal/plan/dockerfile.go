package plan

import (
	"encoding/json"
	"strings"

	"github.com/assaysec/assay"
)

// dockerfile combines the steps' lines into one file that builds the patched
// image on top of the scanned one. If the image runs as another user, the
// upgrades run as root and the image as that user.
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

// userOf is the user of an image; "" for root.
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
