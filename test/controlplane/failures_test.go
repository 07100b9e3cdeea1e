package controlplane

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// TestMain tells again, after all tests, which upgrades failed: a log of CI is often cut to its
// end, and each upgrade has told at length what is wrong with it long before.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, line := range failures.lines { // no test is running any more
		fmt.Println("failed:", line)
	}
	os.Exit(code)
}

// failures are the first lines of what failed.
var failures struct {
	sync.Mutex
	lines []string
}

// fail fails a test because of an upgrade, and notes the first line of what is wrong.
func fail(t *testing.T, upgrade string, what any) {
	t.Helper()
	text := fmt.Sprint(what)
	t.Errorf("%s: %s", upgrade, text)
	first, _, _ := strings.Cut(text, "\n")
	failures.Lock()
	defer failures.Unlock()
	failures.lines = append(failures.lines, upgrade+": "+first)
}
