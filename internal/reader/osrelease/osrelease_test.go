package osrelease

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"
)

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, path, in string
		want           *assay.Release
		fails          bool
	}{
		{"os-release", "etc/os-release", "# c\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\n",
			&assay.Release{ID: "debian", Version: "12", Codename: "bookworm", Name: "Debian GNU/Linux 12 (bookworm)"}, false},
		{"odd quotes", "etc/os-release", "ID='debian'\nVERSION_ID=\"12\n\n#c\nexport FOO\n=x\nPRETTY_NAME=$(reboot)\nX=" + strings.Repeat("y", 2<<20), &assay.Release{ID: "debian", Version: "12", Name: "$(reboot)"}, false},
		{"no ID", "etc/os-release", "NAME=x\n", nil, true},
		{"empty", "etc/os-release", "", nil, true},
		{"lsb", "etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\nDISTRIB_DESCRIPTION=\"Ubuntu 22.04.3 LTS\"\n",
			&assay.Release{ID: "ubuntu", Version: "22.04", Codename: "jammy", Name: "Ubuntu 22.04.3 LTS"}, false},
		{"debian", "etc/debian_version", "12.5\n", &assay.Release{ID: "debian", Version: "12.5", Name: "Debian GNU/Linux 12.5"}, false},
		{"debian testing", "etc/debian_version", "trixie/sid\n", &assay.Release{ID: "debian", Codename: "trixie", Name: "Debian GNU/Linux trixie/sid"}, false},
		{"alpine", "etc/alpine-release", "3.18.0\n", &assay.Release{ID: "alpine", Version: "3.18.0", Name: "Alpine Linux v3.18.0"}, false},
		{"apk repositories", "etc/apk/repositories", "https://dl-cdn.alpinelinux.org/alpine/v3.18/main\n#https://x/alpine/edge/main\n@e https://x/alpine/edge/main\nhttps://dl-cdn.alpinelinux.org/alpine/v3.18/community\n", &assay.Release{Repos: []string{"v3.18"}}, false},
		{"apk repositories of others", "etc/apk/repositories", "https://packages.wolfi.dev/os\n", nil, false},
		{"centos", "etc/centos-release", "CentOS Linux release 7.9.2009 (Core)\n", &assay.Release{ID: "centos", Version: "7.9.2009", Name: "CentOS Linux release 7.9.2009 (Core)"}, false},
		{"alma", "etc/almalinux-release", "AlmaLinux release 9.4 (Seafoam Ocelot)\n", &assay.Release{ID: "almalinux", Version: "9.4", Name: "AlmaLinux release 9.4 (Seafoam Ocelot)"}, false},
		{"rhel", "etc/redhat-release", "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n", &assay.Release{ID: "rhel", Version: "6.10", Name: "Red Hat Enterprise Linux Server release 6.10 (Santiago)"}, false},
		{"amazon", "etc/system-release", "Amazon Linux AMI release 2018.03\n", &assay.Release{ID: "amzn", Version: "2018.03", Name: "Amazon Linux AMI release 2018.03"}, false},
		{"suse", "etc/SuSE-release", "SUSE Linux Enterprise Server 11 (x86_64)\n", &assay.Release{ID: "sles", Version: "11", Name: "SUSE Linux Enterprise Server 11 (x86_64)"}, false},
		{"someone's", "etc/my-release", "mine\n", nil, false},
		{"esm", "var/lib/ubuntu-advantage/status.json", `{"attached":true,"services":[{"name":"esm-infra","status":"enabled"}]}`, &assay.Release{ESM: true}, false},
		{"no esm", "var/lib/ubuntu-advantage/status.json", `{"services":[{"name":"esm-infra","status":"disabled"}]}`, nil, false},
		{"esm malformed", "var/lib/ubuntu-advantage/status.json", `{`, nil, true},
		{"content sets", "root/buildinfo/content_manifests/ubi.json", `{"content_sets":["rhel-9-for-x86_64-baseos-rpms"]}`, &assay.Release{ContentSets: []string{"rhel-9-for-x86_64-baseos-rpms"}}, false},
		{"labels", "root/buildinfo/Dockerfile-ubi8-8.3", "LABEL \"com.redhat.component\"=\"ubi8-container\" \\\n \"version\"=\"8.3\" \"release\"=\"227\" \"architecture\"=\"x86_64\"\n", &assay.Release{NVR: "ubi8-container-8.3-227-x86_64"}, false},
		{"labels without quotes", "root/buildinfo/Dockerfile-ubi8-8.3", "FROM sha256:1\nLABEL com.redhat.component=ubi8-container version=8.3 release=227 \\\n# c\n\n  architecture=x86_64\n", &assay.Release{NVR: "ubi8-container-8.3-227-x86_64"}, false},
		{"labels with variables", "root/buildinfo/Dockerfile-ubi8-8.3", "ARG RELEASE=9\nFROM a\nARG RELEASE\nENV VERSION=\"8.3\" COMPONENT ubi8\nENV COMPONENT ubi8\nLABEL \"com.redhat.component\"=\"$COMPONENT-container\" version=${VERSION} 'release'=${RELEASE:-1}.${NONE:-2}\n", &assay.Release{NVR: "ubi8-container-8.3-9.2"}, false},
		{"labels one by one, in the older form", "root/buildinfo/Dockerfile-ubi8-8.3", "LABEL com.redhat.component ubi8-container\nlabel version 8.3\nLABEL release=\"227\"\nLABEL description='$version says \"version\"=\"9\"'\n", &assay.Release{NVR: "ubi8-container-8.3-227"}, false},
		{"labels of the last stage", "root/buildinfo/Dockerfile-ubi8-8.3", "FROM a AS b\nLABEL com.redhat.component=x version=1 release=1\nFROM b\nLABEL com.redhat.component=y version=2 release=3\n", &assay.Release{NVR: "y-2-3"}, false},
		{"labels with an unknown variable", "root/buildinfo/Dockerfile-ubi8-8.3", "LABEL com.redhat.component=x version=$UNKNOWN release=1\n", nil, false},
		{"labels that only a comment or another instruction has", "root/buildinfo/Dockerfile-ubi8-8.3", "# LABEL com.redhat.component=x version=1 release=1\nRUN echo com.redhat.component=\"x\" version=\"1\" release=\"1\"\n", nil, false},
		{"variables that grow", "root/buildinfo/Dockerfile-ubi8-8.3", "ENV A=aaaaaaaa\n" + strings.Repeat("ENV A=$A$A$A$A\n", 50) + "LABEL com.redhat.component=x version=$A release=1\n", nil, false},
		{"bottlerocket", "x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release", "ID=bottlerocket\nVERSION_ID=1.2\n", &assay.Release{ID: "bottlerocket", Version: "1.2"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Reader{}, tt.path, tt.in)
			if tt.want != nil {
				tt.want.Path = tt.path
			}
			if d := cmp.Diff(tt.want, facts.Release, cmpopts.EquateEmpty()); d != "" || (err != nil) != tt.fails {
				t.Errorf("%v %s", err, d)
			}
		})
	}
}

func TestConformance(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpus.Path(t, "conformance/claircore/osrelease"), "*.txtar"))
	if err != nil || len(files) < 10 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a := txtar.Parse(b)
			var want map[string]string
			if err := json.Unmarshal(a.Files[1].Data, &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, assignments(string(a.Files[0].Data))); d != "" {
				t.Error(d)
			}
			r, err := osRelease(string(a.Files[0].Data))
			if err != nil || r.ID != want["ID"] || r.Version != want["VERSION_ID"] {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Reader{}, map[string]string{"etc/os-release": "ID=a\nVERSION_ID=\"1\\\"2\"\n", "usr/share/buildinfo/x.json": `{"content_sets":["a"]}`})
}

func FuzzRead(f *testing.F) {
	for _, k := range kinds {
		f.Add(strings.ReplaceAll(k.glob, "*", "x"), "ID=\"a\nVERSION_ID='1'\n{\"services\":[]}")
	}
	f.Fuzz(func(t *testing.T, path, content string) { contract.Read(t, Reader{}, path, content) })
}
