package renderer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/cli"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// request is what a process is asked to do.
type request struct {
	Settings  *cli.EnvSettings
	Namespace string
	Helm      int
	// Time is how long it may take: a process ends by itself a little later, in case
	// nobody is left to kill it.
	Time     time.Duration
	Stdin    []byte
	Template *helm.Template
	Upgrade  *helm.Upgrade
	// Instead are values in the place of those that Template gives; its Lens then renders.
	Instead *typed `json:",omitempty"`
	// Search asks for the templates to be rendered one at a time, each named before.
	Search bool
}

// answer is what a process says: the name of a template that it is about to render, or
// what came of a request.
type answer struct {
	Rendering string `json:",omitempty"`
	Sides     [2]helm.Side
	Lens      *sentLens `json:",omitempty"` // of Template
	Text      string    `json:",omitempty"` // of Instead
	Stderr    string
	Failure   *failure
}

// failure is an error as it is sent.
type failure struct {
	Text, Hint string
	// Ref is the chart of a helm.RenderError, whose cause Text is; "" for another error.
	Ref string
	// Panic is set for a helm.PanicError.
	Panic *helm.PanicError
}

type hinted struct {
	error
	hint string
}

func (h *hinted) Hint() string { return h.hint }

// failureOf returns how an error is sent.
func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Text: err.Error()}
	var hinting interface{ Hint() string }
	if errors.As(err, &hinting) {
		f.Hint = hinting.Hint()
	}
	var broken *helm.RenderError
	if errors.As(err, &broken) {
		f.Ref, f.Text = broken.Ref, broken.Err.Error()
	}
	if defect := (*helm.PanicError)(nil); errors.As(err, &defect) {
		f.Panic = &helm.PanicError{Value: fmt.Sprint(defect.Value), Stack: defect.Stack}
	}
	return f
}

// err returns the error that was sent.
func (f *failure) err() error {
	if f.Panic != nil {
		return f.Panic
	}
	err := errors.New(f.Text)
	if f.Hint != "" {
		err = &hinted{err, f.Hint}
	}
	if f.Ref != "" {
		err = &helm.RenderError{Ref: f.Ref, Err: err}
	}
	return err
}

// process is a process that renders.
type process struct {
	cmd       *exec.Cmd
	requests  io.WriteCloser
	answers   *json.Decoder
	complaint *head
	killed    chan struct{}
	once      sync.Once
}

func start() (*process, error) {
	path, name, err := executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to render charts in a process of its own: %w", err)
	}
	p := &process{complaint: &head{}, killed: make(chan struct{})}
	p.cmd = exec.Command(path, Command) //nolint:noctx // it serves many renderings, each with a context of its own
	p.cmd.Args[0] = name
	p.cmd.Stderr, p.cmd.WaitDelay = p.complaint, time.Second
	var out io.ReadCloser
	if p.requests, err = p.cmd.StdinPipe(); err == nil {
		out, err = p.cmd.StdoutPipe()
	}
	if err == nil {
		p.answers = json.NewDecoder(out)
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start this program, to render charts in a process of its own: %w", err)
	}
	return p, nil
}

// ask sends a request and waits for what comes of it.
func (p *process) ask(ask *request, names chan<- string) (answer, error) {
	if err := json.NewEncoder(p.requests).Encode(ask); err != nil {
		return answer{}, err
	}
	for {
		var got answer
		if err := p.answers.Decode(&got); err != nil {
			return answer{}, err
		}
		if got.Rendering == "" {
			return got, nil
		}
		select {
		case names <- got.Rendering:
		case <-p.killed:
			return answer{}, io.EOF
		}
	}
}

// end lets an idle process end, and waits for that.
func (p *process) end() {
	_ = p.requests.Close()
	_ = p.cmd.Wait()
}

// kill ends a process at once.
func (p *process) kill() {
	p.once.Do(func() { close(p.killed) })
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// cause tells why a process has ended without an answer.
func (p *process) cause() error {
	p.kill()
	said := p.complaint.String()
	for _, sign := range []string{"out of memory", "cannot allocate memory", "failed to reserve", "stack exceeds"} {
		if strings.Contains(said, sign) {
			return &limitError{memory: true}
		}
	}
	if strings.TrimSpace(said) == "" { // killed by the system, which does so if memory is short
		return &limitError{memory: true}
	}
	return &helm.PanicError{Value: "the process that renders charts has ended", Stack: []byte(said)}
}

// head keeps the beginning of what is written to it.
type head struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

const headSize = 1 << 16

// Write implements io.Writer.
func (t *head) Write(text []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if room := headSize - t.text.Len(); room > 0 {
		t.text.Write(text[:min(room, len(text))])
	}
	return len(text), nil
}

func (t *head) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.text.String()
}
