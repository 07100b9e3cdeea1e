package cli

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a terminal for a program, and returns what tells all that is written to
// it.
func terminal(t *testing.T) (program *os.File, shown func() string) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this machine has no terminals: ", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return program, func() string {
		_, _ = program.Write([]byte{0}) // so that there is something to read, and an end to it
		var text []byte
		for !bytes.HasSuffix(text, []byte{0}) { // what is written at once need not come at once
			part := make([]byte, 1<<12)
			n, err := screen.Read(part)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, part[:n]...)
		}
		return string(bytes.TrimSuffix(text, []byte{0}))
	}
}

// What takes more than a second is shown on a terminal, and leaves nothing there.
func TestProgress(t *testing.T) {
	stderr, shown := terminal(t)
	synctest.Test(t, func(t *testing.T) {
		show := (&app{stderr: stderr}).progress("reading the cluster")
		time.Sleep(900 * time.Millisecond)
		show(1, 3)
		if text := shown(); text != "" {
			t.Errorf("before a second is over, %q is shown", text)
		}
		time.Sleep(200 * time.Millisecond)
		show(2, 3)
		show(2, 3) // so soon after the last it is not shown again
		if text := shown(); text != "\r\x1b[Kreading the cluster: 2 of 3" {
			t.Errorf("after a second, %q is shown", text)
		}
		show(3, 3)
		if text := shown(); text != "\r\x1b[K" {
			t.Errorf("at the end, %q is shown", text)
		}
	})
}

// What is no terminal, such as the log of a CI, is left alone.
func TestNoProgress(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if (&app{stderr: file}).progress("reading") != nil || (&app{stderr: &bytes.Buffer{}}).progress("reading") != nil {
		t.Error("progress is shown")
	}
}
