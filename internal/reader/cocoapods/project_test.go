package cocoapods

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const podfile = "platform :ios\ntarget 'A' do\n  pod 'AFNetworking', '2.5.0' # pod 'no', '1'\n  pod 'B', '~> 1.0'\n  pod 'Firebase/Core', '= 3.0'\n  pod 'Here', :path => '../Here'\n  pod 'G', :git => 'https://example.org/g.git', :tag => '1.0'\nend\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no lock", File: "ios/Podfile", Files: map[string]string{"ios/Podfile": podfile}, Want: "AFNetworking@2.5.0, Firebase/Core@3.0", Gap: "no lock file: 2 of 4 requirements allow several versions: B, G"},
		{Name: "lock", File: "Podfile", Files: map[string]string{"Podfile": podfile, "Podfile.lock": "PODS:"}},
		{Name: "specification", File: "a.podspec", Files: map[string]string{"a.podspec": "Pod::Spec.new do |s|\n  s.dependency 'A', '1.0'\n  s.dependency 'B'\nend\n"}, Want: "A@1.0", Gap: "1 of 2 requirements allow several versions: B"},
		{Name: "computed", File: "Podfile", Files: map[string]string{"Podfile": "use_react_native!(:path => x)\n"}, Gap: "computes what it asks for"},
		{Name: "nothing", File: "Podfile", Files: map[string]string{"Podfile": "platform :ios\n"}},
	})
}

func FuzzProject(f *testing.F) { contract.FuzzManifest(f, Project{}, "Podfile", "pod 'A', '1.0'\n") }
