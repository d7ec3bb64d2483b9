package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/suppress/vex"
	"github.com/spf13/cobra"
)

// onePath takes the one argument of commands that scan a folder.
func onePath(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("name one %s, got %d arguments", what, len(args))
		}
		return nil
	}
}

func newFilesystem(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	cmd := &cobra.Command{
		Use:     "filesystem PATH",
		Aliases: []string{"fs", "dir"},
		Short:   "Scan a folder or a file: lock files, manifests, and the system where it holds one",
		Long: `Scan a folder or a single file of this machine: what its lock files and
manifests ask for and, where it is the root of a system, that system's packages.
To look at what is installed rather than asked for, use assay rootfs.

Nothing outside the folder is read, whatever links lead there; .git is left out.`,
		Example: `  assay fs .
  assay fs ./package-lock.json --severity HIGH,CRITICAL
  assay fs . --include-dev-deps --dependency-tree
  assay fs . --skip-dirs 'testdata,**/node_modules' -f json -o report.json`,
		Args: onePath("folder or file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.folder(cmd.Context(), args[0], folderScopes)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

func newRootfs(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	cmd := &cobra.Command{
		Use:   "rootfs PATH",
		Short: "Scan an unpacked root file system, as an image would be",
		Long: `Scan the root of a system: an unpacked image, a chroot, a mounted disk, or the
running system itself with /. It is looked at as an image is: packages of the
system, and software as it is installed. Links are followed inside the root only.`,
		Example: `  assay rootfs /mnt/disk
  assay rootfs / --skip-dirs home,var/lib/docker`,
		Args: onePath("folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.folder(cmd.Context(), args[0], imageScopes)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

func (o *scanOptions) folder(ctx context.Context, path string, scopes assay.Scope) error {
	return o.run(ctx, target{scopes: scopes, open: func(context.Context, *progress) (*assay.Image, error) {
		return source.Folder(path, assay.KindFilesystem)
	}})
}

func newRepository(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	var at source.GitOptions
	cmd := &cobra.Command{
		Use:     "repository ADDRESS|PATH",
		Aliases: []string{"repo"},
		Short:   "Scan a repository of source code",
		Long: `Scan what the lock files and manifests of a repository ask for: a folder as it
is, or an address (https, ssh, git, file) from which the git program fetches one
commit, without its history. Nothing of a repository is run.`,
		Example: `  assay repo .
  assay repo https://github.com/org/app --branch main
  assay repo git@example.com:org/app.git --tag v1.4.0
  assay repo https://example.com/org/app --commit 1f0c9a7 --exit-code 1`,
		Args: onePath("repository"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.Check(); err != nil {
				return usagef("--branch, --tag, --commit: %w", err)
			}
			return o.run(cmd.Context(), target{scopes: repositoryScopes, open: func(ctx context.Context, bars *progress) (img *assay.Image, err error) {
				err = bars.while("Fetching the repository", func() error {
					img, err = source.Repository(ctx, args[0], at)
					return err
				})
				return img, err
			}})
		},
	}
	f := cmd.Flags()
	f.StringVar(&at.Branch, "branch", "", "the `BRANCH` to fetch (default the repository's own)")
	f.StringVar(&at.Tag, "tag", "", "the `TAG` to fetch")
	f.StringVar(&at.Commit, "commit", "", "the `COMMIT` to fetch")
	f.BoolVar(&at.Insecure, "insecure", false, "allow unverified TLS")
	f.StringVar(&at.CACert, "cacert", "", "`FILE` of certificates to trust instead of the system's")
	o.flags(f)
	return cmd
}

func newVM(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	cmd := &cobra.Command{
		Use:   "vm FILE",
		Short: "Scan the disk of a virtual machine",
		Long: `Scan the image of a disk: raw, qcow2, VMDK, VHD or VHDX, with partitions (MBR,
GPT) or without, holding ext2, ext3, ext4 or XFS. It is looked at as an image is.
File systems besides that of the root are read where etc/fstab mounts them; what is
not read is told. Nothing is mounted, so that no privileges are needed.`,
		Example: `  assay vm disk.qcow2
  assay vm disk.vmdk --severity HIGH,CRITICAL -f json -o report.json`,
		Args: onePath("disk image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), target{scopes: imageScopes, open: func(context.Context, *progress) (*assay.Image, error) {
				return source.Disk(args[0])
			}})
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

func newSBOM(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	cmd := &cobra.Command{
		Use:   "sbom FILE",
		Short: "Scan a bill of materials, or a list of purls or CPE names",
		Long: `Match the packages that a bill of materials lists: CycloneDX (JSON, XML), SPDX
(JSON, tag-value, 3.0), Syft's JSON, each perhaps inside an in-toto attestation
or a DSSE envelope, or a list with a purl or a CPE 2.3 name a line. FILE is - for
what comes by a pipe. A bill that assay wrote gives the findings of what it was
made of.`,
		Example: `  assay image app:1.4 -f cyclonedx -o app.cdx.json && assay sbom app.cdx.json
  echo pkg:npm/lodash@4.17.4 | assay sbom -
  cosign download attestation app:1.4 | assay sbom - --severity CRITICAL`,
		Args: onePath("bill of materials"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), sbomTarget(args[0], g.in))
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// sbomTarget is a bill of materials; - is what comes by the pipe.
func sbomTarget(path string, pipe io.Reader) target {
	in := &billInput{path: path, pipe: pipe}
	return target{scopes: assay.ScopeSBOM, vex: vexTarget{bill: in.open}, open: func(context.Context, *progress) (*assay.Image, error) { return source.SBOM(path, in) }}
}

// billInput is a bill of materials that may be read before it is scanned, which
// a pipe can be only once.
type billInput struct {
	path string
	pipe io.Reader
	read []byte // of the pipe
}

// Read reads the pipe, from its beginning.
func (b *billInput) Read(p []byte) (int, error) {
	if len(b.read) > 0 {
		n := copy(p, b.read)
		b.read = b.read[n:]
		return n, nil
	}
	return b.pipe.Read(p)
}

func (b *billInput) open() (io.ReadCloser, error) {
	if b.path != "-" {
		return os.Open(b.path)
	}
	var err error
	b.read, err = io.ReadAll(io.LimitReader(b.pipe, vex.MaxDocument+1)) // more than the bound is refused by who scans it
	return io.NopCloser(bytes.NewReader(b.read)), err
}
