package oci

import "testing"

func TestHasHost(t *testing.T) {
	for ref, want := range map[string]bool{
		"ghcr.io/org/app": true, "localhost/app": true, "host:5000/app:1": true, "registry.example.com/db:1": true,
		"app": false, "app:1": false, "org/app": false, "./ghcr.io/app": false, "../x.y/app": false, "/ghcr.io/app": false, "app.tar": false, "ghcr.io/": false, ".d/x": false,
	} {
		if got := HasHost(ref); got != want {
			t.Errorf("%s: %t, want %t", ref, got, want)
		}
	}
}
