package contract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
	"go.yaml.in/yaml/v4"

	"github.com/assaysec/assay/internal/test/corpus"
)

// A Node of the trees that Trivy's test suite makes its databases of: a bucket
// with pairs, or a key with a value.
type Node struct {
	Bucket string `yaml:"bucket"`
	Pairs  []Node `yaml:"pairs"`
	Key    string `yaml:"key"`
	Value  any    `yaml:"value"`
}

// TrivyNodes reads the trees of the shared data.
func TrivyNodes(t testing.TB) []Node {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpus.Path(t, "conformance/trivy/db"), "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no trees: %v", err)
	}
	var all []Node
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var roots []Node
		if err := yaml.Unmarshal(b, &roots); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, roots...)
	}
	return all
}

// TrivyDB writes nodes as a database of Trivy's, with its metadata beside it.
func TrivyDB(t testing.TB, nodes []Node) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "trivy.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, n := range nodes {
			if err := put(tx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = db.Close()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "metadata.json"), []byte(`{"Version":2,"UpdatedAt":"2026-01-02T03:04:05Z","NextUpdate":"2026-01-03T03:04:05Z"}`), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func put(in interface {
	CreateBucketIfNotExists([]byte) (*bolt.Bucket, error)
}, n Node) error {
	b, err := in.CreateBucketIfNotExists([]byte(n.Bucket))
	if err != nil {
		return err
	}
	for _, p := range n.Pairs {
		if p.Bucket != "" {
			err = put(b, p)
		} else {
			var v []byte
			if v, err = json.Marshal(p.Value); err == nil {
				err = b.Put([]byte(p.Key), v)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
