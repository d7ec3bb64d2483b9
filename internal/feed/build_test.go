package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/assaysec/assay/internal/corpus"
	"github.com/assaysec/assay/internal/db"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/fetch"
)

func TestTry(t *testing.T) {
	g, err := fetch.New(fetch.Options{Mirror: corpus.Path(t, "feeds"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("TRYDIR")
	start := time.Now()
	res, err := (&db.Builder{}).Update(context.Background(), dir, feed.All(), g, nil)
	fmt.Println(time.Since(start), res, err)
	var ru syscall.Rusage
	syscall.Getrusage(0, &ru)
	fmt.Println("rss kB", ru.Maxrss)
	start = time.Now()
	d, err := db.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Shards() {
		b, _ := json.Marshal(s.Feeds)
		fmt.Println(s.Stream, s.Size, s.Records, string(b))
	}
	fmt.Println(d.Verify(context.Background()))
	start = time.Now()
	res, err = (&db.Builder{}).Update(context.Background(), dir, feed.All(), g, nil)
	fmt.Println(time.Since(start), res, err)
}
