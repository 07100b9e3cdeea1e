package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"helm.sh/helm/v3/pkg/action"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/renderer"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/stevedore"
)

const stevedoreHelp = `Judge all releases that manifests of Stevedore ask for (kind StevedoreManifest, version
2), several at a time: what changes in each release and in each file, then the verdict,
then the report of each release that has one to tell. The exit code is that of the worst
release.

A manifest that Stevedore's own plan has written (stevedore plan -a DIR) notes which
revision the release is to have after the upgrade. If that would be another one by now,
somebody has upgraded since, and the exit code is 3.

Overrides, environments, mounts and charts that Stevedore builds are refused, since
Stevedore fills them in itself; what its plan has written has them. All releases of the
files are judged, whatever deployTo says.

A release that cannot be judged has the verdict ERROR, the others are judged and
reported, and the exit code is 1. Charts are rendered within limits (--render-timeout).

With --output json the reports are a list, each with the file of its release.`

// stevedoreFlags say which releases are judged, and how.
type stevedoreFlags struct {
	files       []string
	kubeVersion string
	noHooks     bool
	apply       applyFlags
	about       clusterFlags
	live        liveFlags
	limits      limitFlags
	renderer    *renderer.Renderer
}

func (a *app) stevedoreCommand() *cobra.Command {
	var (
		f      stevedoreFlags
		output reportFlags
	)
	cmd := &cobra.Command{
		Use:     "stevedore",
		Short:   "Judge all releases of Stevedore's manifests",
		Long:    stevedoreHelp,
		Example: "  helm safe-diff stevedore -f out/",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := output.options(a)
			if err == nil {
				err = errors.Join(f.check(), checkStevedoreOutputs(r.outputs))
			}
			if err != nil {
				return usage(cmd, err)
			}
			return a.judgeAll(cmd.Context(), &f, r)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "manifests-path", "f", nil, "a manifest of Stevedore, a directory of them, or - for stdin (repeatable)")
	flags.StringVar(&f.kubeVersion, "kube-version", "", "version of Kubernetes that templates see, such as 1.36")
	addHelmTo(flags)
	flags.BoolVar(&f.noHooks, "no-hooks", false, "leave hooks out")
	into(flags, renderFlagGroup, "no-hooks", "kube-version")
	f.apply.addTo(cmd, "what Helm 4 noted of the release")
	f.apply.addOwnershipTo(cmd)
	f.about.addTo(flags)
	f.live.addTo(flags)
	f.limits.addTo(flags)
	output.addTo(cmd)
	return cmd
}

func (f *stevedoreFlags) check() error {
	if len(f.files) == 0 {
		return errors.New("stevedore: missing -f FILE, or a directory of manifests")
	}
	return errors.Join(f.apply.check(), f.live.check(), f.limits.check(), stdinOnce(slices.Concat(f.files, f.about.paths)...), helm.CheckKubeVersion(f.kubeVersion))
}

// checkStevedoreOutputs refuses the formats of which two pages make no third.
func checkStevedoreOutputs(outputs []output) error {
	for _, o := range outputs {
		if slices.Contains([]string{"sarif", "junit", "gitlab"}, o.format.Name) {
			return fmt.Errorf("--output %s is about one release; stevedore has text, json, yaml, markdown, html, github, helm-diff, template", o.format.Name)
		}
	}
	return nil
}

// planned is a release of a manifest, and what was found out about it.
type planned struct {
	stevedore.Release
	judged report.Judged
	next   int      // the revision that the upgrade would make
	pages  [][]byte // one for each output
	stderr bytes.Buffer
}

// judgeAll judges all releases, all of which are tried even if one cannot be rendered.
func (a *app) judgeAll(ctx context.Context, f *stevedoreFlags, r reportOptions) (err error) {
	f.renderer = f.limits.renderer(a)
	defer func() { err = errors.Join(err, f.renderer.Close()) }()
	list, err := a.readPlanned(f.files)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for _, p := range list {
		group.Go(func() error {
			if err := a.judgePlanned(ctx, f, p, r); err != nil {
				p.judged.Failure = failureOf(err)
			}
			return nil
		})
	}
	_ = group.Wait() // each release has a Failure of its own, so that all are told, in the order of the files
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	code := change.ExitSafe
	for _, p := range list {
		_, _ = a.stderr.Write(p.stderr.Bytes())
		if failure := p.judged.Failure; failure != nil {
			a.sayFailure(change.Failure{Reason: fmt.Sprintf("%s: release %q: %s", p.judged.File, p.Name, failure.Reason), Hint: failure.Hint})
			continue
		}
		code = max(code, p.code(r.detailed))
	}
	if slices.ContainsFunc(list, func(p *planned) bool { return p.judged.Failure != nil }) {
		code = change.ExitError
	}
	pages := make([][]byte, len(r.outputs))
	for i := range r.outputs {
		if pages[i], err = r.together(i, list, code); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if err := a.deliver(r.outputs, pages); err != nil {
		return err
	}
	if !slices.ContainsFunc(r.outputs, func(o output) bool { return slices.Contains([]string{"text", "json", "html"}, o.format.Name) }) {
		for _, p := range list { // other formats have no room for it
			if p.judged.Moved != "" {
				a.say("%s: release %q: %s", p.judged.File, p.Name, p.judged.Moved)
			}
		}
	}
	a.code = code
	return nil
}

// code is the exit code that one release asks for.
func (p *planned) code(detailed bool) int {
	if p.judged.Moved != "" {
		return change.ExitRisky
	}
	return p.judged.Set.ExitCode(p.judged.FailOn, detailed)
}

// readPlanned reads the manifests. A release may be asked for once.
func (a *app) readPlanned(paths []string) ([]*planned, error) {
	var list []*planned
	var errs []error
	seen := map[change.Place]string{}
	for _, path := range paths {
		set, err := a.readFiles(path)
		if err != nil {
			return nil, err
		}
		for _, file := range set.files {
			releases, err := stevedore.Parse(file.name, file.text)
			errs = append(errs, err)
			for _, r := range releases {
				place := change.Place{Name: r.Name, Namespace: r.Namespace}
				if other, twice := seen[place]; twice && err == nil {
					errs = append(errs, fmt.Errorf("%s: release %q in namespace %q is in %s, too", file.name, r.Name, r.Namespace, other))
				}
				seen[place] = file.name
				list = append(list, &planned{Release: r, judged: report.Judged{File: file.name, Release: place}})
			}
		}
	}
	return list, errors.Join(errs...)
}

// judgePlanned judges one release, with a Helm and a report of its own.
func (a *app) judgePlanned(ctx context.Context, f *stevedoreFlags, p *planned, r reportOptions) error {
	own := *a
	own.settings = a.settingsAt("", "", p.Namespace)
	own.tell(&p.stderr)
	defer func() { _ = own.said.Flush() }() // into memory, which does not fail
	cluster, err := f.about.read(&own)
	if err != nil {
		return err
	}
	up := helm.Upgrade{
		Release: p.Name, Install: true,
		Chart:     helm.Chart{Ref: p.Chart, Source: action.ChartPathOptions{Version: p.Version}},
		Rendering: helm.Rendering{KubeVersion: f.kubeVersion, NoHooks: f.noHooks, Object: p.Values},
	}
	old, updated, err := f.renderer.Upgrade(ctx, own.settings, own.said, up)
	if err != nil {
		return err
	}
	opts := optionsOf(old, updated)
	opts.NoHooks, opts.Cluster, opts.Operation = up.NoHooks, cluster, change.Upgrade
	opts.Release.Context, opts.Release.Cluster = own.place()
	if old.Revision == 0 {
		opts.Operation = change.Install
	}
	if err := errors.Join(f.apply.apply(&opts, updated.ServerSide), f.live.look(&own, &opts)); err != nil {
		return err
	}
	set, failOn, err := own.compare(ctx, manifestOf(old), manifestOf(updated), &opts, &r)
	if err != nil {
		return err
	}
	r.failOn = failOn
	if r.showSecrets {
		set = set.Revealed()
	}
	p.next = max(old.Revision, old.Failed) + 1
	if p.Planned > 0 && p.Planned != p.next {
		p.judged.Moved = fmt.Sprintf("planned as revision %d, and the upgrade would make revision %d: plan again", p.Planned, p.next)
	}
	p.judged.Set, p.judged.FailOn = &set, r.failOn
	r.locate, r.part = inChart(p.Chart), true
	p.pages, err = r.print(p.code(r.detailed), func(f report.Format, w io.Writer, opt report.Options) error { return f.Write(w, &set, opt) })
	return err
}

// plannedJSON is one release in the JSON of a plan.
type plannedJSON struct {
	File string `json:"file"`
	// Planned is null if the manifest does not say.
	Planned *int   `json:"plannedRevision"`
	Next    int    `json:"nextRevision"`
	Moved   string `json:"moved"`
	// Report is null for a release that could not be judged, and Error for another.
	Report json.RawMessage `json:"report"`
	Error  *plannedError   `json:"error"`
}

// plannedError is why a release could not be judged.
type plannedError struct {
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func judgedOf(list []*planned) []report.Judged {
	judged := make([]report.Judged, len(list))
	for i, p := range list {
		judged[i] = p.judged
	}
	return judged
}

// together makes one page of what the releases have of an output.
func (r *reportOptions) together(i int, list []*planned, code int) ([]byte, error) { //nolint:cyclop // a switch over formats
	var page bytes.Buffer
	switch r.outputs[i].format.Name {
	case "json":
		doc := struct {
			SchemaVersion string        `json:"schemaVersion"`
			ExitCode      int           `json:"exitCode"`
			Releases      []plannedJSON `json:"releases"`
		}{SchemaVersion: "1", ExitCode: code}
		for _, p := range list {
			one := plannedJSON{File: p.judged.File, Next: p.next, Moved: p.judged.Moved}
			if p.judged.Failure != nil {
				one.Error = &plannedError{p.judged.Failure.Reason, p.judged.Failure.Hint}
			} else {
				one.Report = p.pages[i]
			}
			if p.Planned > 0 {
				one.Planned = &p.Planned
			}
			doc.Releases = append(doc.Releases, one)
		}
		if err := report.EncodeJSON(&page, doc); err != nil {
			return nil, err
		}
	case "text":
		opt := report.Options{Color: r.color && r.outputs[i].file == "", ShowHidden: r.showHidden, ExitCode: code}
		if err := report.WriteReleases(&page, judgedOf(list), opt); err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.judged.Failure == nil && (p.judged.Telling() || r.showHidden) {
				page.WriteString("\n" + strings.Repeat("─", 80) + "\n")
				page.Write(p.pages[i])
			}
		}
	case "html":
		opt := report.Options{ShowHidden: r.showHidden, ExitCode: code, Rules: r.rules(), Version: ownVersion()}
		if err := report.WriteReleasesHTML(&page, judgedOf(list), opt); err != nil {
			return nil, err
		}
	case "yaml":
		for _, p := range list {
			if p.judged.Failure == nil {
				page.WriteString("---\n")
				page.Write(p.pages[i])
			}
		}
	default:
		for _, p := range list {
			if p.judged.Failure == nil {
				page.Write(p.pages[i])
				continue
			}
			if err := report.WriteFailure(&page, r.outputs[i].format.Name, p.judged.File, p.judged.Name(), *p.judged.Failure); err != nil {
				return nil, err
			}
		}
	}
	return page.Bytes(), nil
}
