package browser_test

import (
	"context"
	_ "embed"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"golang.org/x/tools/txtar"
)

var (
	program = flag.String("program", "../../bin/helm-safe-diff", "the program that makes the page of the demo")
	picture = flag.String("picture", "", "file to write the picture of the demo to")
	//go:embed checks.js
	checks string
)

// browser starts one browser for all pages of a test. Without one the test fails: a page that
// nobody looked at is not tested.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		path, err = exec.LookPath("google-chrome")
	}
	if err != nil {
		t.Fatal("neither chromium nor google-chrome: install Debian's package chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// pages are those of the demo and of the upgrades that pkg/report keeps reports of.
func pages(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{"demo": demo(t)}
	for _, name := range []string{"downtime", "hooks", "renames", "secrets", "storage"} {
		archive, err := txtar.ParseFile("../../testdata/report/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		for _, f := range archive.Files {
			if f.Name != "old.yaml" && f.Name != "new.yaml" {
				continue
			}
			if err := os.WriteFile(filepath.Join(folder, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		list[name] = paint(t, "manifests", filepath.Join(folder, "old.yaml"), filepath.Join(folder, "new.yaml"))
	}
	return list
}

// demo makes the page of the chart that `make demo` judges.
func demo(t *testing.T) string {
	t.Helper()
	const shop = "../../testdata/charts/shop"
	return paint(t, "local", shop+"/1.4.2", shop+"/2.0.0", "--release", "shop", "--namespace", "prod")
}

// paint runs the program, and returns the page that it writes.
func paint(t *testing.T, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	out, err := exec.CommandContext(t.Context(), *program, append(args, "--fail-on", "none", "--output", "html="+file)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// tab is one page in a tab of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
	// said is what the browser complained of, and asked which addresses it wanted.
	said, asked []string
}

// open opens a page in a tab that first gets ready.
func open(t *testing.T, browser context.Context, file string, ready ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	o := &tab{t: t}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithListener(o.hear))
	t.Cleanup(cancel)
	o.ctx = ctx
	send(o, log.Enable, cdp.Empty{})
	send(o, network.Enable, network.EnableParams{})
	for _, r := range ready {
		o.do(r)
	}
	o.do(chromedp.Navigate("file://" + file))
	o.do(chromedp.Func(func(ctx context.Context, at *chromedp.Target) error {
		_, err := cdp.Call(ctx, at, runtime.Evaluate, runtime.EvaluateParams{Expression: checks})
		return err
	}))
	return o
}

func (o *tab) hear(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		o.said = append(o.said, string(e.Entry.Level)+": "+e.Entry.Text)
	case *runtime.EventExceptionThrown:
		o.said = append(o.said, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		o.said = append(o.said, "console: "+string(e.Type))
	case *network.EventRequestWillBeSent:
		o.asked = append(o.asked, e.Request.URL)
	}
}

func (o *tab) do(action chromedp.Action[chromedp.Void]) {
	o.t.Helper()
	if err := chromedp.Do(o.ctx, action); err != nil {
		o.t.Fatal(err)
	}
}

// send gives the browser a command of its protocol.
func send[P, R any](o *tab, command cdp.Command[P, R], params P) R {
	o.t.Helper()
	got, err := chromedp.Call(o.ctx, command, params)
	if err != nil {
		o.t.Fatal(err)
	}
	return got
}

// ask evaluates an expression in the page.
func ask[T any](o *tab, expression string) T {
	o.t.Helper()
	got, err := chromedp.Run(o.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		o.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// none fails the test with what is wrong.
func (o *tab) none(what, expression string) {
	o.t.Helper()
	if found := ask[[]string](o, expression); len(found) > 0 {
		o.t.Errorf("%s:\n%s", what, strings.Join(found, "\n"))
	}
}

// looks tells the browser in which colours and on which medium it shows a page.
func looks(colours, medium string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, at *chromedp.Target) error {
		_, err := cdp.Call(ctx, at, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}},
		})
		return err
	})
}

// TestPages looks at each page in both colour schemes, on a phone and on a desk: no complaint
// of the browser, nothing fetched, nothing beyond the edge, every text with enough contrast.
func TestPages(t *testing.T) {
	ctx := browser(t)
	for name, file := range pages(t) {
		for _, colours := range []string{"light", "dark"} {
			for _, width := range []int64{390, 1280} {
				t.Run(name+"/"+colours+"/"+map[int64]string{390: "phone", 1280: "desk"}[width], func(t *testing.T) {
					o := open(t, ctx, file, chromedp.EmulateViewport(width, 900), looks(colours, "screen"))
					ask[[]string](o, "checks.unfold()")
					if n := ask[int](o, "checks.texts()"); n < 20 {
						t.Errorf("%d texts on the page", n)
					}
					o.none("too little contrast", "checks.faint()")
					o.none("wider than the window", "checks.wide()")
					if len(o.said) > 0 {
						t.Errorf("the browser complains: %q", o.said)
					}
					if beyond := slices.DeleteFunc(o.asked, func(url string) bool { return url == "file://"+file }); len(beyond) > 0 {
						t.Errorf("the page asks for %q", beyond)
					}
				})
			}
		}
	}
}

// TestKeyboard goes through a page by the tabulator: each control is reached, in the order of
// the page, and can be seen to be; Enter unfolds an object.
func TestKeyboard(t *testing.T) {
	ctx := browser(t)
	for name, file := range pages(t) {
		t.Run(name, func(t *testing.T) {
			o := open(t, ctx, file, chromedp.EmulateViewport(1280, 900))
			for i, want := range ask[[]string](o, "checks.stops()") {
				o.do(chromedp.KeyEvent(kb.Tab))
				at := ask[struct {
					Stop     int
					Outlined bool
					Name     string
				}](o, "checks.at()")
				if at.Stop != i {
					t.Fatalf("stop %d is %q, not %q", i, at.Name, want)
				}
				if !at.Outlined {
					t.Errorf("nothing shows that %q is reached", at.Name)
				}
			}
			before := ask[int](o, "checks.open()")
			ask[bool](o, "(document.querySelector('.object:not([open]) > summary').focus(), true)")
			o.do(chromedp.KeyEvent(kb.Enter))
			if after := ask[int](o, "checks.open()"); after != before+1 {
				t.Errorf("%d objects are unfolded after Enter, %d before", after, before)
			}
		})
	}
}

// TestControls presses what needs a script: filters, unfolding, copying.
func TestControls(t *testing.T) {
	o := open(t, browser(t), demo(t), chromedp.EmulateViewport(1280, 900))
	total := len(ask[[]string](o, "checks.shown()"))
	o.do(chromedp.Click(chromedp.CSS(`#filter button[data-class="restart"]`)))
	shown := ask[[]string](o, "checks.shown()")
	if len(shown) == 0 || len(shown) == total || slices.ContainsFunc(shown, func(class string) bool { return !strings.Contains(class, "restart") }) {
		t.Errorf("of %d objects %q are shown for restart", total, shown)
	}
	if said := ask[string](o, "document.querySelector('#filter output').textContent"); !strings.Contains(said, "shown") {
		t.Errorf("the filter says %q", said)
	}
	o.do(chromedp.Click(chromedp.CSS(`#filter button[data-class="restart"]`)))
	o.do(chromedp.SetValue(chromedp.CSS(`#filter select[data-by="kind"]`), "StatefulSet"))
	ask[bool](o, "document.querySelector('#filter select[data-by=kind]').dispatchEvent(new Event('change'))")
	if shown := ask[[]string](o, "checks.shown()"); len(shown) != 1 {
		t.Errorf("%d objects are shown for StatefulSet", len(shown))
	}
	o.do(chromedp.SetValue(chromedp.CSS(`#filter select[data-by="kind"]`), ""))
	ask[bool](o, "document.querySelector('#filter select[data-by=kind]').dispatchEvent(new Event('change'))")
	o.do(chromedp.Click(chromedp.CSS("#unfold")))
	if n := ask[int](o, "checks.open()"); n != total {
		t.Errorf("%d of %d objects are unfolded", n, total)
	}
	o.do(chromedp.Click(chromedp.CSS(".copier")))
	if _, err := chromedp.Run(o.ctx, chromedp.Poll[bool]("document.querySelector('.copier').textContent === 'Copied'", chromedp.WithPollingTimeout(10*time.Second))); err != nil {
		t.Errorf("nothing says that it was copied: %v", err)
	}
	if len(o.said) > 0 {
		t.Errorf("the browser complains: %q", o.said)
	}
}

// TestWithoutScripts holds that a page says all without scripts: what is folded unfolds, what
// only a script can do is not offered.
func TestWithoutScripts(t *testing.T) {
	ctx := browser(t)
	for name, file := range pages(t) {
		t.Run(name, func(t *testing.T) {
			o := open(t, ctx, file, chromedp.EmulateViewport(1280, 900), chromedp.Func(func(ctx context.Context, at *chromedp.Target) error {
				_, err := cdp.Call(ctx, at, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
				return err
			}))
			if ask[bool](o, "[...document.querySelectorAll('#filter, .copier')].some(e => e.checkVisibility())") {
				t.Error("controls that need a script are shown")
			}
			before := ask[int](o, "checks.open()")
			o.do(chromedp.Click(chromedp.CSS(".object:not([open]) > summary")))
			if after := ask[int](o, "checks.open()"); after != before+1 {
				t.Errorf("%d objects are unfolded after a click, %d before", after, before)
			}
		})
	}
}

// TestPrint holds that paper shows what is folded on the screen, in dark ink in both schemes.
func TestPrint(t *testing.T) {
	ctx := browser(t)
	for name, file := range pages(t) {
		t.Run(name, func(t *testing.T) {
			o := open(t, ctx, file, looks("dark", "print"))
			o.none("folded on paper", "checks.folded()")
			o.none("too little contrast on paper", "checks.faint()")
			pdf, err := chromedp.Run(o.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
			if err != nil || len(pdf) < 10_000 {
				t.Errorf("a PDF of %d bytes: %v", len(pdf), err)
			}
		})
	}
}

// TestPicture writes the picture of the README, where it is asked for: the demo's page without
// its unfolded objects.
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("no -picture")
	}
	o := open(t, browser(t), demo(t), chromedp.EmulateViewport(1000, 900), looks("light", "screen"))
	ask[bool](o, "(document.querySelectorAll('details').forEach(d => { d.open = false; }), document.activeElement.blur(), true)")
	bottom := ask[float64](o, "document.querySelector('.picture svg').getBoundingClientRect().bottom + scrollY")
	beyond := true
	got := send(o, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Width: 1000, Height: bottom + 16, Scale: 1},
	})
	if err := os.WriteFile(*picture, got.Data, 0o600); err != nil {
		t.Fatal(err)
	}
}
