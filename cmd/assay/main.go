// Command assay finds vulnerabilities in container images.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/assaysec/assay/internal/printable"
	"github.com/spf13/cobra"
)

// Exit codes. Findings have the code that --exit-code gives.
const (
	exitOK     = 0
	exitUsage  = 2 // the command line or the configuration is wrong
	exitFailed = 3 // what was asked for could not be done
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
	if errors.As(err, &usage) {
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
	if errors.Is(err, context.DeadlineExceeded) {
		return printable.Text(err.Error()) + " (give it longer with --timeout)"
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

// usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newRoot is the command with all its subcommands.
func newRoot(s streams) *cobra.Command {
	g := &global{streams: s}
	root := &cobra.Command{
		Use:   "assay",
		Short: "Find vulnerabilities in container images",
		Long: `assay finds what is installed in a container image, compares it with what
distributions have published, and says what is wrong, how bad it is, which
layer brought it and what to do.

Every flag can also be set by a variable (--cache-dir by ASSAY_CACHE_DIR) or
in assay.yaml (cache-dir: PATH). The command line wins over the variable, the
variable over the file.

Exit codes: 0 done; the value of --exit-code when findings remain; 2 the
command line or the configuration is wrong; 3 it could not be done.`,
		Example: `  assay image debian:12
  assay image --input image.tar --severity HIGH,CRITICAL --exit-code 1
  assay image -f json -o report.json registry.example.com/team/app:1.4
  assay db status`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return g.load(cmd) },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w (see %s --help)", err, cmd.CommandPath())
	})
	g.flags(root.PersistentFlags())
	root.AddCommand(newImage(g), newDB(g), newReaders(g), newVersion(g))
	for _, cmd := range all(root) {
		strict(cmd)
	}
	return root
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
			return usagef("unknown command %q for %s (see %s --help)", args[0], cmd.CommandPath(), cmd.CommandPath())
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
