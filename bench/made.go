//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// The targets that are made for measuring.
const (
	nestedJars = 300
	jarClasses = 100
	classSize  = 4 << 10
	manyFiles  = 100_000
)

// made measures folders that are made here: an archive with hundreds of others
// in it, and a hundred thousand files of which one in ten is a package.json.
func made(w io.Writer, work, cache, assay string, runs int) error {
	for _, m := range []struct {
		name string
		make func(dir string) error
	}{{"300 nested jars", war}, {"100,000 files", files}} {
		dir := filepath.Join(work, "made")
		if err := m.make(dir); err != nil {
			return err
		}
		read, err := measureOne(runs, "sh", "-c", "tar -cf - \"$0\" | cat >/dev/null", dir)
		if err != nil {
			return err
		}
		row(w, m.name, "tar to nowhere", read, "", read)
		f, err := measureOne(runs, assay, "rootfs", "-q", "--offline", "--cache-dir", cache, "-f", "cyclonedx", "-o", filepath.Join(work, "bill.json"), dir)
		if err != nil {
			return err
		}
		row(w, m.name, "rootfs", f, "tar", read)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// war writes an archive of archives, each with classes and what Maven says.
func war(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "app.war"))
	if err != nil {
		return err
	}
	defer f.Close()
	random := rand.New(rand.NewPCG(1, 2))
	z := zip.NewWriter(f)
	for i := range nestedJars {
		inner, err := jar(random, i)
		if err != nil {
			return err
		}
		out, err := z.Create(fmt.Sprintf("WEB-INF/lib/part%d-1.%d.jar", i, i))
		if err != nil {
			return err
		}
		if _, err := out.Write(inner); err != nil {
			return err
		}
	}
	return z.Close()
}

func jar(random *rand.Rand, n int) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	body := make([]byte, classSize)
	for i := range jarClasses {
		for j := range body {
			body[j] = byte(random.IntN(32)) // shrinks somewhat, as classes do
		}
		if err := put(z, fmt.Sprintf("org/example/C%d.class", i), body); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("groupId=org.example\nartifactId=part%d\nversion=1.%d\n", n, n)
	if err := put(z, fmt.Sprintf("META-INF/maven/org.example/part%d/pom.properties", n), []byte(text)); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

func put(z *zip.Writer, name string, body []byte) error {
	w, err := z.Create(name)
	if err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}

func files(dir string) error {
	for i := range manyFiles {
		folder := filepath.Join(dir, "app", "node_modules", fmt.Sprintf("p%d", i/10))
		name, body := fmt.Sprintf("f%d.js", i%10), "module.exports = 1\n"
		if i%10 == 0 {
			name, body = "package.json", fmt.Sprintf(`{"name": "p%d", "version": "1.%d.0", "license": "MIT"}`, i/10, i)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
			return err
		}
	}
	return nil
}
