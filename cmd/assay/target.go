package main

import (
	"context"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

// onePath takes the one argument of commands about one path.
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
		Short:   "Scan a directory or a file: lock files, manifests, and OS packages where there are any",
		Long: `Scan a directory or a single file of this machine: the packages in its lock files
and manifests and, where it is the root of a system, that system's OS packages.
To scan what is installed instead, use assay rootfs.

Nothing outside the directory is read, whatever links lead there; .git is skipped.`,
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
		Short: "Scan an unpacked root file system, as an image would be",
		Long: `Scan the root of a system: an unpacked image, a chroot, a mounted disk, or the
running system itself with /. It is scanned as an image is: OS packages, and
software as it is installed. Links are followed inside the root only.`,
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

// directory scans a directory or a file; with scopes 0 as what it is.
func (o *scanOptions) directory(ctx context.Context, path string, scopes assay.Scope) error {
	return o.run(ctx, target{kind: assay.KindFilesystem, scopes: scopes, open: func(context.Context, *progress) (*assay.Image, error) {
		return scan.OpenDirectory(path)
	}})
}

func newRepository(g *global) *cobra.Command {
	o := &scanOptions{global: g}
	var at scan.RepositoryOptions
	cmd := &cobra.Command{
		Use:     "repository ADDRESS|PATH",
		Aliases: []string{"repo"},
		Short:   "Scan a repository of source code",
		Long: `Scan the packages in the lock files and manifests of a repository: a directory as
it is, or an address (https, ssh, git, file) from which the git program fetches
one commit, without its history. Nothing of a repository is run.`,
		Example: `  assay repo .
  assay repo https://github.com/org/app --branch main
  assay repo git@example.com:org/app.git --tag v1.4.0
  assay repo https://example.com/org/app --commit 1f0c9a7 --exit-code 1`,
		Args: onePath("repository"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.Check(); err != nil {
				return err
			}
			return o.run(cmd.Context(), target{kind: assay.KindRepository, open: func(ctx context.Context, bars *progress) (img *assay.Image, err error) {
				err = bars.while("Fetching the repository", func() error {
					img, err = scan.OpenRepository(ctx, args[0], at)
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
GPT) or without, with ext2, ext3, ext4 or XFS. It is scanned as an image is. File
systems besides that of the root are read where etc/fstab mounts them; what is not
read is reported as a gap. Nothing is mounted, so no privileges are needed.`,
		Example: `  assay vm disk.qcow2
  assay vm disk.vmdk --severity HIGH,CRITICAL -f json -o report.json`,
		Args: onePath("disk image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), target{kind: assay.KindVM, open: func(context.Context, *progress) (*assay.Image, error) {
				return scan.OpenDisk(args[0])
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
		Short: "Scan an SBOM (software bill of materials), or a list of purls or CPE names",
		Long: `Match the packages that an SBOM lists: CycloneDX (JSON, XML), SPDX (JSON,
tag-value, 3.0), Syft's JSON, each also inside an in-toto attestation or a DSSE
envelope, or a list with a purl or a CPE 2.3 name a line. FILE is - for standard
input. An SBOM that assay wrote gives the same findings as the image it is of.`,
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

// sbomTarget is an SBOM; - is what comes by the pipe.
func sbomTarget(path string, pipe io.Reader) target {
	return target{kind: assay.KindSBOM, open: func(context.Context, *progress) (*assay.Image, error) { return scan.OpenSBOM(path, pipe) }}
}
