package wordpress

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	plugin = "<?php\r\n/**\r\n * Plugin Name: My Plugin: the best\r\n * Plugin URI: https://example.org\r\n * Version:           5.3.1\r\n * License: GPLv2 or later\r\n */\r\n"
	theme  = "/*\nTheme Name: Mine\nVersion: 1.0 */\nbody { color: red }"
	core   = "<?php\n/**\n * @global string $wp_version\n */\n$wp_version = '6.4.2';\n$wp_db_version = 56657;\n"
)

func TestRead(t *testing.T) {
	plug := func(name, version string, licences ...string) []assay.Package {
		return []assay.Package{{Type: "wordpress-plugin", Name: name, Version: version, Licences: licences}}
	}
	for _, tt := range []struct {
		name     string
		r        assay.Reader
		path, in string
		want     []assay.Package
		err      error
	}{
		{"plugin", Plugin{}, "var/www/wp-content/plugins/akismet/akismet.php", plugin, plug("akismet", "5.3.1", "GPLv2 or later"), nil},
		{"one line", Plugin{}, "wp-content/plugins/a/a.php", "<?php /* Plugin Name: A */ ?>\n<?php # Version: 2 ?>", plug("a", "2"), nil},
		{"one file", Plugin{}, "wp-content/plugins/hello.php", plugin, plug("hello-dolly", "5.3.1", "GPLv2 or later"), nil},
		{"must-use", Plugin{}, "wp-content/mu-plugins/one.php", plugin, plug("one", "5.3.1", "GPLv2 or later"), nil},
		{"theme", Plugin{}, "wp-content/themes/mine/style.css", theme, plug("mine", "1.0"), nil},
		{"another file", Plugin{}, "wp-content/plugins/akismet/class.php", "<?php\nclass A {}\n", nil, nil},
		{"no version", Plugin{}, "wp-content/plugins/a/a.php", "/* Plugin Name: A */", nil, assay.ErrUnsupported},
		{"core", Core{}, "var/www/wp-includes/version.php", core, []assay.Package{{Type: "generic", Name: "wordpress", Version: "6.4.2", CPEs: []string{"cpe:2.3:a:wordpress:wordpress:6.4.2:*:*:*:*:*:*:*"}}}, nil},
		{"core after comments", Core{}, "wp-includes/version.php", "<?php\n/*\n$wp_version = '1.0';\n*/\n// $wp_version = '1.1';\n# it's old\n$x = '/*'; $y = \"//\";\n$wp_version = '6.4.2';\n",
			[]assay.Package{{Type: "generic", Name: "wordpress", Version: "6.4.2", CPEs: []string{"cpe:2.3:a:wordpress:wordpress:6.4.2:*:*:*:*:*:*:*"}}}, nil},
		{"core in comments only", Core{}, "wp-includes/version.php", "<?php\n/**\n * Since:\n\t$wp_version = '1.0';\n */\n/*\n$wp_version = '2.0';", nil, assay.ErrMalformed},
		{"bogus core", Core{}, "wp-includes/version.php", "bogus", nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, tt.r, tt.path, tt.in)
			if d := cmp.Diff(tt.want, facts.Packages); d != "" || !errors.Is(err, tt.err) {
				t.Error(d, err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Plugin{}, map[string]string{"wp-content/plugins/a/a.php": plugin, "wp-content/themes/a/style.css": theme})
	contract.Reader(t, Core{}, map[string]string{"wp-includes/version.php": core})
}

func FuzzPlugin(f *testing.F) {
	f.Add(plugin)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Plugin{}, "wp-content/plugins/a/a.php", content) })
}

func FuzzCore(f *testing.F) {
	f.Add(core)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Core{}, "wp-includes/version.php", content) })
}
