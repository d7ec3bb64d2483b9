package distro_test

import (
	"testing"

	"github.com/assaysec/assay/internal/distro"
)

func TestNamed(t *testing.T) {
	for _, tt := range []struct{ name, version, want, stream string }{
		{"amazon", "2 (Karoo)", "amzn 2 ", "amazon:2"},
		{"amazon", "2022 (Amazon Linux)", "amzn 2022 ", "amazon:2022"},
		{"amazon", "2023.6.20241031 (Amazon Linux)", "amzn 2023.6.20241031 ", "amazon:2023"},
		{"amazon", "AMI release 2018.03", "amzn 2018.03 ", "amazon:1"},
		{"Amazon Linux AMI", "2018.03", "amzn 2018.03 ", "amazon:1"},
		{"ubuntu", "jammy", "ubuntu 22.04 jammy", "ubuntu:22.04"},
		{"ubuntu", "22.04.3 LTS (Jammy Jellyfish)", "ubuntu 22.04.3 ", "ubuntu:22.04"},
		{"Ubuntu", "24.04", "ubuntu 24.04 ", "ubuntu:24.04"},
		{"debian", "bookworm", "debian 12 bookworm", "debian:12"},
		{"debian", "12 (bookworm)", "debian 12 ", "debian:12"},
		{"debian", "trixie/sid", "debian 13 trixie", "debian:13"},
		{"debian", "unstable", "debian sid sid", "debian:sid"},
		{"Debian GNU/Linux", "11.6", "debian 11.6 ", "debian:11"},
		{"debian", "testing", "debian  testing", ""},
		{"debian", "", "debian  ", ""},
		{"alpine", "edge", "alpine edge ", "alpine:edge"},
		{"alpine", "v3.20", "alpine 3.20 ", "alpine:3.20"},
		{"Alpine Linux", "3.20.1", "alpine 3.20.1 ", "alpine:3.20"},
		{"slem", "5.4", "sle-micro 5.4 ", "sle-micro:5.4"},
		{"suse linux enterprise micro", "5.5", "sle-micro 5.5 ", "sle-micro:5.5"},
		{"suse linux enterprise server", "15.4", "sles 15.4 ", "sles:15.4"},
		{"sles", "15-SP4", "sles 15.4 ", "sles:15.4"},
		{"sles", "12 SP5", "sles 12.5 ", "sles:12.5"},
		{"opensuse.leap", "15.5", "opensuse-leap 15.5 ", "opensuse-leap:15.5"},
		{"openSUSE Leap", "15.5", "opensuse-leap 15.5 ", "opensuse-leap:15.5"},
		{"opensuse.tumbleweed", "20240101", "opensuse-tumbleweed 20240101 ", "opensuse-tumbleweed"},
		{"opensuse-tumbleweed", "", "opensuse-tumbleweed  ", "opensuse-tumbleweed"},
		{"redhat", "9.4 (Plow)", "rhel 9.4 ", "rhel:9"},
		{"Red Hat Enterprise Linux", "8.10", "rhel 8.10 ", "rhel:8"},
		{"centos", "7.9.2009 (Core)", "centos 7.9.2009 ", "rhel:7"},
		{"CentOS Stream", "9", "centos 9 ", "centos-stream:9"},
		{"alma", "9.3", "almalinux 9.3 ", "almalinux:9"},
		{"rockylinux", "9", "rocky 9 ", "rocky:9"},
		{"oracle", "8.9", "ol 8.9 ", "oracle:8"},
		{"cbl-mariner", "2.0.20240101", "mariner 2.0.20240101 ", "azurelinux:2.0"},
		{"Azure Linux", "3.0", "azurelinux 3.0 ", "azurelinux:3.0"},
		{"photon", "4.0", "photon 4.0 ", "photon:4.0"},
		{"Fedora Linux", "39 (Container Image)", "fedora 39 ", "fedora:39"},
		{"openEuler", "24.03-LTS-SP3", "openeuler 24.03 ", "openeuler:24.03"},
		{"openEuler", "22.03 (LTS-SP1)", "openeuler 22.03 ", "openeuler:22.03"},
		{"Arch Linux", "", "arch  ", "arch"},
		{"wolfi", "20230201", "wolfi 20230201 ", "wolfi"},
		{"alpaquita", "stream", "alpaquita stream ", "alpaquita:stream"},
		{"plan9", "4", "plan9 4 ", ""},
	} {
		r := distro.Named(tt.name, tt.version)
		if got := r.ID + " " + r.Version + " " + r.Codename; got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.name, tt.version, got, tt.want)
		}
		stream := ""
		if f, ok := distro.Of(r); ok {
			stream = string(f.Stream(r))
		}
		if stream != tt.stream {
			t.Errorf("%s %s: stream %q, want %q", tt.name, tt.version, stream, tt.stream)
		}
	}
}
