package java

import (
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestQuick holds that reading a file takes no more than its length demands:
// tenths of a second for these.
func TestQuick(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reader assay.Reader
		path   string
		in     string
	}{
		{"many profiles", Pom{}, "pom.xml", "<project><artifactId>a</artifactId><profiles>" + contract.Many(10_000, "<profile><activation><activeByDefault>true</activeByDefault></activation><dependencyManagement><dependencies><dependency><artifactId>a#</artifactId></dependency></dependencies></dependencyManagement></profile>") + "</profiles></project>"},
		{"many modules and dependencies of the project's", Pom{}, "pom.xml", "<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version><modules>" + contract.Many(20_000, "<module>m#</module>") + "</modules><dependencies>" + contract.Many(20_000, "<dependency><groupId>g</groupId><artifactId>a#</artifactId><version>1</version></dependency>") + "</dependencies></project>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract.Quick(t, tt.reader, tt.path, tt.in)
		})
	}
}

func TestQuickTexts(t *testing.T) {
	start := time.Now()
	for range 20 {
		parseManifest([]byte("Implementation-Version: 1\n" + strings.Repeat(" x\n", maxManifest/3)))
		parseProperties([]byte("a=" + strings.Repeat("\\\n", maxProperties/2)))
		splitName(strings.Repeat("1-", 2000)+"x-1.2", "")
	}
	if took := time.Since(start); took > contract.Soon {
		t.Errorf("took %v", took)
	}
}
