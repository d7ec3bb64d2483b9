// Command assay finds vulnerabilities in container images.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes. Findings have the code that --exit-code gives, where it does.
const (
	exitOK       = 0
	exitFindings = 1 // --fail-on holds findings back, or --exit-code said so
	exitUsage    = 2 // the command line or the configuration is wrong
	exitFailed   = 3 // what was asked for could not be done
	exitGaps     = 4 // --fail-on-gaps, and there are some
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams is what a command reads from and writes to.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(s.err, "assay: %s\n", message(err))
	var usage usageError
	var option *scan.OptionError
	if errors.As(err, &usage) || errors.As(err, &option) {
		return exitUsage
	}
	return exitFailed
}

// message is an error for a person: nothing in it can move the cursor, and an
// interruption is called one.
func message(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var late timeoutError
	if errors.As(err, &late) {
		return late.Error()
	}
	text := ""
	for i, line := range splitLines(err.Error()) {
		if i > 0 {
			text += "\n"
		}
		text += printable.Text(line)
	}
	return text
}

func splitLines(s string) []string {
	var lines []string
	for len(s) > 0 {
		i := 0
		for i < len(s) && s[i] != '\n' {
			i++
		}
		lines = append(lines, s[:i])
		s = s[min(i+1, len(s)):]
	}
	return lines
}

// exitCode ends the program without a message: what there is to say was said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// timeoutError says that --timeout is over.
type timeoutError time.Duration

func (t timeoutError) Error() string {
	return fmt.Sprintf("not done after %v: give it longer with --timeout", time.Duration(t))
}

// usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newRoot is the command with all its subcommands.
func newRoot(s streams) *cobra.Command {
	g := &global{streams: s}
	root := &cobra.Command{
		Use:   "assay",
		Short: "Find vulnerabilities in container images and what they are made of",
		Long: `assay finds what is installed in a container image, a disk or a root file
system, or asked for by source code, compares it with what distributions and
registries have published, and says what is wrong, how bad it is, which layer
brought it and what to do.

Every flag can also be set by a variable (--cache-dir by ASSAY_CACHE_DIR) or
in assay.yaml (cache-dir: PATH). The command line wins over the variable, the
variable over the file.

Exit codes: 0 done; 1, or the value of --exit-code, when findings remain that
--fail-on names; 2 the command line or the configuration is wrong; 3 it could
not be done; 4 something could not be judged, with --fail-on-gaps.`,
		Example: `  assay image debian:12
  assay image --input image.tar --severity HIGH,CRITICAL --exit-code 1
  assay image -f json -o report.json registry.example.com/team/app:1.4
  assay fs .
  assay db status`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return g.load(cmd) },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w (see %s --help)", flagError(cmd, err), cmd.CommandPath())
	})
	g.flags(root.PersistentFlags())
	usages := ".FlagUsages"
	if width, ok := isTerminal(s.out); ok {
		usages = ".FlagUsagesWrapped " + strconv.Itoa(width)
	}
	cobra.AddTemplateFunc("switches", switches)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", usages+" | switches"))
	root.AddCommand(newImage(g), newFilesystem(g), newRootfs(g), newRepository(g), newVM(g), newSBOM(g), newConvert(g), newFix(g), newDiff(g), newExplain(g), newFiles(g), newVEX(g), newDB(g), newReaders(g), newVersion(g))
	for _, cmd := range all(root) {
		strict(cmd)
	}
	return root
}

// switches leaves out of the list of flags what goes without saying of switches.
func switches(usages string) string {
	const choice = "[=true|false]"
	return strings.ReplaceAll(usages, choice, strings.Repeat(" ", len(choice)))
}

func all(cmd *cobra.Command) []*cobra.Command {
	cmds := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		cmds = append(cmds, all(c)...)
	}
	return cmds
}

// strict makes wrong arguments usage errors that say the next step.
func strict(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil {
		check = cobra.NoArgs
		if cmd.HasSubCommands() {
			check = cobra.ArbitraryArgs
		}
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if cmd.HasSubCommands() && len(args) > 0 {
			return usagef("unknown command %q for %s%s (see %s --help)", args[0], cmd.CommandPath(), instead(cmd, args[0]), cmd.CommandPath())
		}
		if err := check(cmd, args); err != nil {
			return usagef("%w (see %s --help)", err, cmd.CommandPath())
		}
		return nil
	}
	if cmd.RunE == nil && cmd.HasSubCommands() {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

// instead says what was probably meant by an unknown command; "" when that is
// not to be guessed.
func instead(cmd *cobra.Command, arg string) string {
	cmd.SuggestionsMinimumDistance = 2
	if like := cmd.SuggestionsFor(arg); len(like) > 0 {
		return fmt.Sprintf("; did you mean %s %s?", cmd.CommandPath(), like[0])
	}
	if !cmd.HasParent() && strings.ContainsAny(arg, ":/.") {
		return fmt.Sprintf("; to scan an image: %s image %s", cmd.CommandPath(), arg)
	}
	return ""
}

// flagError says what is wrong with the flags of a command line, and what was
// probably meant.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		if n := nearest(unknown.GetSpecifiedName(), flagNames(cmd)); n != "" {
			return fmt.Errorf("%w; did you mean --%s?", err, n)
		}
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return wrongValue("--"+invalid.GetFlag().Name, err)
	}
	return err
}

// flagNames lists the flags that help shows of commands.
func flagNames(cmds ...*cobra.Command) []string {
	var names []string
	for _, c := range cmds {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// kinds says in words what flags take, by pflag's names of types.
var kinds = map[string]string{"bool": "true or false", "int": "a whole number", "duration": "a time such as 90s, 10m or 24h"}

// wrongValue says of the setting called name, in words, what pflag refused.
func wrongValue(name string, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		if kind, ok := kinds[invalid.GetFlag().Value.Type()]; ok {
			return fmt.Errorf("%s: %q is not %s", name, invalid.GetValue(), kind)
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// nearest is a name that is like the wrong one, as cobra judges commands; ""
// when none is.
func nearest(wrong string, names []string) string {
	judge := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, n := range names {
		judge.AddCommand(&cobra.Command{Use: n, Run: func(*cobra.Command, []string) {}})
	}
	if like := judge.SuggestionsFor(wrong); len(like) > 0 && wrong != "" {
		return like[0]
	}
	return ""
}
