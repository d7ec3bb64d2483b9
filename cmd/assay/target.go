package main

import (
	"context"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// onePath requires one argument, which is a path.
func onePath(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("expected one %s, got %d arguments", what, len(args))
		}
		return nil
	}
}

func newFilesystem(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	cmd := &cobra.Command{
		Use:     "filesystem PATH",
		Aliases: []string{"fs", "dir"},
		Short:   "Scan a directory or a file: lock files, manifests, OS packages",
		Long: `Scan a directory or a single file on this machine: the packages in its lock
files and manifests and, if it is the root of a system, the OS packages.
To scan installed software instead, use assay rootfs.

assay reads nothing outside the directory, even through links, and skips .git.`,
		Example: `  assay fs .
  assay fs ./package-lock.json --severity HIGH,CRITICAL
  assay fs . --include-dev-deps --dependency-tree
  assay fs . --skip-dirs 'testdata,**/node_modules' -f json -o report.json`,
		Args: onePath("directory or file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.directory(cmd.Context(), args[0], 0)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

func newRootfs(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	cmd := &cobra.Command{
		Use:   "rootfs PATH",
		Short: "Scan an unpacked root file system like an image",
		Long: `Scan the root of a system: an unpacked image, a chroot, a mounted disk, or / for
the running system. assay scans it like an image: OS packages and installed
software. It follows links inside the root only.`,
		Example: `  assay rootfs /mnt/disk
  assay rootfs / --skip-dirs home,var/lib/docker`,
		Args: onePath("directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.directory(cmd.Context(), args[0], scan.Scopes(assay.KindImage))
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// directory scans a directory or a file. Scopes 0 are those of a directory.
func (o *scanOptions) directory(ctx context.Context, path string, scopes assay.Scope) error {
	return o.run(ctx, directoryTarget(path, scopes))
}

// directoryTarget is the directory or file at path as a target.
func directoryTarget(path string, scopes assay.Scope) target {
	return target{kind: assay.KindFilesystem, scopes: scopes, open: func(context.Context, *progress) (*assay.Image, error) {
		return scan.OpenDirectory(path)
	}}
}

func newRepository(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	var at scan.RepositoryOptions
	cmd := &cobra.Command{
		Use:     "repository ADDRESS|PATH",
		Aliases: []string{"repo"},
		Short:   "Scan a source code repository",
		Long: `Scan the packages in the lock files and manifests of a source code repository.
PATH is scanned as it is. From an ADDRESS (https, ssh, git, file), the git
program fetches one commit without its history. assay runs no code of the
repository, and uses no ignore files of the current directory for an ADDRESS.`,
		Example: `  assay repo .
  assay repo https://github.com/org/app --branch main
  assay repo git@example.com:org/app.git --tag v1.4.0
  assay repo https://example.com/org/app --commit 1f0c9a7 --exit-code 1`,
		Args: onePath("repository"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.Check(); err != nil {
				return err
			}
			return o.run(cmd.Context(), o.repositoryTarget(args[0], at))
		},
	}
	repositoryFlags(cmd.Flags(), &at)
	o.flags(cmd.Flags())
	return cmd
}

func repositoryFlags(f *pflag.FlagSet, at *scan.RepositoryOptions) {
	f.StringVar(&at.Branch, "branch", "", "the `BRANCH` of a repository to fetch (default: the repository's default branch)")
	f.StringVar(&at.Tag, "tag", "", "the `TAG` of a repository to fetch")
	f.StringVar(&at.Commit, "commit", "", "the `COMMIT` of a repository to fetch")
}

// repositoryTarget is the repository at a path or an address as a target. A stranger's
// repository brings no ignore rules.
func (o *scanOptions) repositoryTarget(ref string, at scan.RepositoryOptions) target {
	if scan.IsRepositoryAddress(ref) {
		o.report.filter.rules.distrust(o.global)
	}
	at.CACert, at.Insecure = o.caCert, o.insecure
	return target{kind: assay.KindRepository, open: func(ctx context.Context, bars *progress) (img *assay.Image, err error) {
		err = bars.while("Fetching the repository", func() error {
			img, err = scan.OpenRepository(ctx, ref, at)
			return err
		})
		return img, err
	}}
}

func newVM(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	cmd := &cobra.Command{
		Use:   "vm FILE",
		Short: "Scan the disk image of a virtual machine",
		Long: `Scan a disk image (raw, qcow2, VMDK, VHD, VHDX) with or without partitions (MBR,
GPT) and with ext2, ext3, ext4 or XFS. assay scans it like a container image. It
reads other file systems where etc/fstab of the root mounts them, and reports
what it does not read as a gap. It mounts nothing, so it needs no privileges.`,
		Example: `  assay vm disk.qcow2
  assay vm disk.vmdk --severity HIGH,CRITICAL -f json -o report.json`,
		Args: onePath("disk image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), diskTarget(args[0]))
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// diskTarget is the disk image at path as a target.
func diskTarget(path string) target {
	return target{kind: assay.KindVM, open: func(context.Context, *progress) (*assay.Image, error) { return scan.OpenDisk(path) }}
}

func newSBOM(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	cmd := &cobra.Command{
		Use:   "sbom FILE",
		Short: "Scan an SBOM (software bill of materials) or a list of purls",
		Long: `Match the packages of an SBOM: CycloneDX (JSON, XML), SPDX (JSON, tag-value,
3.0) or Syft's JSON, alone or inside an in-toto attestation or a DSSE envelope.
FILE can also be a list with one purl or CPE 2.3 name a line, or - for standard
input. The SBOM that assay writes of an image gives the same findings as the
image.`,
		Example: `  assay image app:1.4 -f cyclonedx -o app.cdx.json && assay sbom app.cdx.json
  echo pkg:npm/lodash@4.17.4 | assay sbom -
  cosign download attestation app:1.4 | assay sbom - --severity CRITICAL`,
		Args: onePath("SBOM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), sbomTarget(args[0], g.in))
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// sbomTarget is the SBOM at path as a target; - is standard input.
func sbomTarget(path string, pipe io.Reader) target {
	return target{kind: assay.KindSBOM, open: func(context.Context, *progress) (*assay.Image, error) { return scan.OpenSBOM(path, pipe) }}
}
