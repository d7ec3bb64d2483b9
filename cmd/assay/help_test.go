package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestHelp: every command says in one line what it does, has an example, and its
// help fits in a terminal of 80 columns; usages of flags are short. Lists of databases come from their
// importers, so their lines may be longer.
func TestHelp(t *testing.T) {
	const columns, usage, choices = 80, 160, 210 // a flag's choices may be long
	root := newRoot(streams{strings.NewReader(""), &strings.Builder{}, &strings.Builder{}, nil})
	for _, cmd := range all(root) {
		name := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || !strings.HasPrefix(cmd.Short, strings.ToUpper(cmd.Short[:1])) {
			t.Errorf("%s: Short %q: want a phrase with a capital letter and no full stop", name, cmd.Short)
		}
		if cmd.Example == "" || !strings.Contains(cmd.Example, name) && !isGroup(cmd) && !strings.Contains(cmd.Example, "assay "+alias(cmd)) {
			t.Errorf("%s: Example %q: want one of this command", name, cmd.Example)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if len(f.Usage) > choices || len(f.Usage) > usage && !strings.Contains(f.Usage, ": ") || f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: usage of %d characters, want 1 to %d, with choices %d, and no full stop: %s", name, f.Name, len(f.Usage), usage, choices, f.Usage)
			}
		})
		text := cmd.Long + "\n" + cmd.Example
		if cmd.HasParent() {
			// Cobra pads names of commands to the longest beside them, with two
			// spaces on each side.
			text += "\n" + strings.Repeat(" ", cmd.Parent().NamePadding()+3) + cmd.Short
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimRight(line, "\n"); len(line) > columns && !strings.HasPrefix(line, "  - ") {
				t.Errorf("%s: %d columns, want at most %d: %s", name, len(line), columns, line)
			}
		}
	}
}

// isGroup reports whether a command only holds others.
func isGroup(cmd *cobra.Command) bool { return cmd.HasSubCommands() }

// alias is the first other name of a command, or its name.
func alias(cmd *cobra.Command) string {
	if len(cmd.Aliases) > 0 {
		return cmd.Aliases[0]
	}
	return cmd.Name()
}

// TestFlagUsages: on a narrow terminal usages stand below the names of flags, and
// no line is wider than the terminal; elsewhere each flag is one line.
func TestFlagUsages(t *testing.T) {
	f := pflag.NewFlagSet("f", pflag.ContinueOnError)
	f.StringP("format", "f", "table", "write the report in this format, which is one of many")
	f.Bool("quiet", false, "say nothing")
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, "  -f, --format string        write the report in this format, which is one of many (default \"table\")\n      --quiet                say nothing\n"},
		{40, "  -f, --format string\n          write the report in this\n          format, which is one of many\n          (default \"table\")\n      --quiet\n          say nothing\n"},
	} {
		if got := flagUsages(f, tt.width); got != tt.want {
			t.Errorf("width %d:\n%s\nwant\n%s", tt.width, got, tt.want)
		}
	}
}
