package lab

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestUp(t *testing.T) {
	start := time.Now()
	l, err := Start(context.Background(), os.Getenv("BIN"), t.TempDir())
	defer l.Stop()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(start), l.Kubeconfig)
	time.Sleep(2 * time.Second)
}
