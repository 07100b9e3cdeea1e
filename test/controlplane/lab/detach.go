package lab

import (
	"os/exec"
	"syscall"
)

// detach keeps a process alive when its parent is interrupted: the parent ends it
// in its own time.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
