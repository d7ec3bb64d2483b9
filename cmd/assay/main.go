// Command assay finds vulnerabilities in container images, directories and SBOMs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes. --exit-code replaces exitFindings.
const (
	exitOK       = 0
	exitFindings = 1 // findings match --fail-on, or assay diff has introduced ones
	exitUsage    = 2 // the command line, the configuration or an ignore file is invalid
	exitFailed   = 3 // the command failed
	exitGaps     = 4 // something could not be read or judged, with --fail-on-gaps
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr, &deadline{}}))
}

// streams is what a command reads from and writes to.
type streams struct {
	in       io.Reader
	out, err io.Writer
	deadline *deadline // may be nil
}

// output remembers the first error of a writer.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("standard output: %w", err)
	}
	return n, err
}

// run runs the command line args and returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	out := &output{Writer: s.out}
	s.out = out
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.err // of commands that write line by line
	}
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	var fault *scan.PanicError
	if errors.As(err, &fault) {
		slog.Debug("internal error", "stack", string(fault.Stack))
	}
	fmt.Fprintf(s.err, "assay: %s\n", message(err))
	var usage usageError
	var option *scan.OptionError
	if errors.As(err, &usage) || errors.As(err, &option) {
		return exitUsage
	}
	return exitFailed
}

// message is the text of an error for people. It has no credentials, and no control
// characters, so that nothing in it can move the cursor.
func message(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var late timeoutError
	if errors.As(err, &late) {
		return late.Error()
	}
	text := ""
	for i, line := range splitLines(printable.NoCredentials(err.Error())) {
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

// exitCode ends the program without a message: the command has written its own.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// grace is how long a command may take to clean up after --timeout. git gets five
// seconds of it.
const grace = 10 * time.Second

// A deadline ends the process, even when a read or write of a pipe or a device waits
// forever, which a context does not interrupt.
type deadline struct{ timer *time.Timer }

// set ends the process after a timeout and the grace, instead of at the deadline that
// was set before. A nil deadline, of tests, never ends the process.
func (d *deadline) set(timeout time.Duration, stderr io.Writer) {
	if d == nil {
		return
	}
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer = time.AfterFunc(max(timeout, 0)+grace, func() {
		fmt.Fprintf(stderr, "assay: %s\n", timeoutError(timeout))
		os.Exit(exitFailed)
	})
}

// timeoutError reports that the command took longer than --timeout.
type timeoutError time.Duration

func (t timeoutError) Error() string {
	return fmt.Sprintf("not finished after %v: set a longer --timeout", time.Duration(t))
}

// usageError is a mistake in the command line or the configuration: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newRoot is the command with all its subcommands.
func newRoot(s streams) *cobra.Command {
	g := &global{streams: s}
	root := &cobra.Command{
		Use:   "assay",
		Short: "Find vulnerabilities in container images, directories and SBOMs",
		Long: `assay lists the packages in a container image, disk, directory or SBOM, matches
them with published advisories, and reports for each finding how severe it is,
which layer introduced it and which version fixes it.

Each flag can also be set in the environment (ASSAY_CACHE_DIR for --cache-dir)
or in a configuration file (cache-dir: PATH). The command line wins over the
environment, and the environment over the file. assay.yaml in the current
directory may set only what hides nothing and writes nothing; to trust it, use
--config assay.yaml.

Exit codes:
  0  success
  1  findings match --fail-on; --exit-code sets another code, and applies
     to any finding when --fail-on is not given
  2  the command line, the configuration or an ignore file is invalid
  3  the command failed
  4  something could not be read or judged, with --fail-on-gaps`,
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
	width, _ := isTerminal(s.out)
	cobra.AddTemplateFunc("flagUsages", flagUsages)
	for _, flags := range []string{".LocalFlags", ".InheritedFlags"} {
		root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), flags+".FlagUsages", fmt.Sprintf("flagUsages %s %d", flags, width)))
	}
	root.AddCommand(newImage(g), newFilesystem(g), newRootfs(g), newRepository(g), newVM(g), newSBOM(g), newConvert(g), newFix(g), newDiff(g), newExplain(g), newFiles(g), newVEX(g), newDB(g), newReaders(g), newVersion(g))
	for _, cmd := range all(root) {
		strict(cmd)
	}
	return root
}

// usageColumns is the width below which the usages of flags stand below their names:
// beside the longest names they would have half of the line.
const usageColumns = 120

// flagUsages lists flags for a terminal of a width, which is 0 elsewhere: then each
// flag is one line.
func flagUsages(f *pflag.FlagSet, width int) string {
	const indent = 10
	// The values of boolean flags go without saying.
	const choice = "[=true|false]"
	if width == 0 || width >= usageColumns {
		return strings.ReplaceAll(f.FlagUsagesWrapped(width), choice, strings.Repeat(" ", len(choice)))
	}
	var b strings.Builder
	for line := range strings.Lines(f.FlagUsages()) {
		// pflag separates a name from its usage with three spaces at least.
		name, usage, _ := strings.Cut(strings.TrimRight(line[indent-4:], "\n"), "   ")
		b.WriteString(strings.TrimRight(line[:indent-4]+strings.ReplaceAll(name, choice, ""), " "))
		column := width
		for _, word := range strings.Fields(usage) {
			if column+1+len(word) > width {
				b.WriteString("\n" + strings.Repeat(" ", indent-1))
				column = indent - 1
			}
			b.WriteString(" " + word)
			column += 1 + len(word)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func all(cmd *cobra.Command) []*cobra.Command {
	cmds := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		cmds = append(cmds, all(c)...)
	}
	return cmds
}

// strict makes wrong arguments usage errors that name the next step.
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

// instead suggests a command in place of an unknown one; "" when none is similar.
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

// flagError describes what is wrong with a flag, and suggests a similar one.
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

// flagNames lists the flags of commands, without hidden ones.
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

// kinds describes the values of flags, by pflag's names of types.
var kinds = map[string]string{"bool": "true or false", "int": "a whole number", "duration": "a duration such as 90s, 10m or 24h"}

// wrongValue describes the value of the setting name that pflag refused.
func wrongValue(name string, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		if kind, ok := kinds[invalid.GetFlag().Value.Type()]; ok {
			return fmt.Errorf("%s: %q is not %s", name, invalid.GetValue(), kind)
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// nearest is the name that is most similar to the wrong one, as cobra compares
// commands; "" when none is similar.
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
