package live_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/test/answers"
)

// BenchmarkRead2000 reads 2,000 ConfigMaps of 4 KB, and in turn GETs the same
// addresses without looking at what comes. Both have 16 requests under way at a
// time. The ratio of the times is "x-bare": of a server that answers at once, with
// which reading shares the cores, and of one that takes a millisecond, as an API
// server does at least.
func BenchmarkRead2000(b *testing.B) {
	b.Run("at once", func(b *testing.B) { read2000(b, 0) })
	b.Run("in 1 ms", func(b *testing.B) { read2000(b, time.Millisecond) })
}

func read2000(b *testing.B, takes time.Duration) {
	var data strings.Builder
	for i := range 50 {
		fmt.Fprintf(&data, `"key-%d.properties":"a value of a configuration, with a length as they have",`, i)
	}
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{%s"last":""}}`, data.String())
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1", func(w http.ResponseWriter, _ *http.Request) { answers.Reply(w, resourceList(served["/api/v1"])) })
	mux.HandleFunc("/api/v1/namespaces/prod/configmaps/", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(takes)
		_, _ = io.WriteString(w, body)
	})
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true // as API servers have it
	server.StartTLS()
	defer server.Close()
	config := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		b.Fatal(err)
	}
	var wanted []live.Wanted
	for i := range 2000 {
		wanted = append(wanted, want(fmt.Sprintf("v1 ConfigMap prod/c%d", i)))
	}
	var ours, bare time.Duration
	for b.Loop() {
		started := time.Now()
		getAll(b, client, server.URL+"/api/v1/namespaces/prod/configmaps/c", len(wanted))
		bare += time.Since(started)
		started = time.Now()
		reader, err := live.New(config, live.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := reader.Read(b.Context(), wanted); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(started)
	}
	b.ReportMetric(float64(ours)/float64(bare), "x-bare")
}

// getAll GETs addresses that end in a number, 16 at a time.
func getAll(b *testing.B, client *http.Client, address string, count int) {
	numbers := make(chan int)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for i := range numbers {
				response, err := client.Get(fmt.Sprint(address, i))
				if err != nil {
					b.Error(err)
					continue
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	for i := range count {
		numbers <- i
	}
	close(numbers)
	wait.Wait()
}
