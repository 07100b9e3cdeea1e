package helm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
)

// Stored names a release that is in Helm's storage, and tells how it is read.
type Stored struct {
	Release string
	// NoHooks leaves hooks out, IncludeCRDs adds the objects of the chart's crds
	// directory.
	NoHooks, IncludeCRDs bool
	// KubeVersion takes the place of the version of the cluster, which is then
	// not asked for it.
	KubeVersion string
}

// Rollback returns the revision that is current and the one that `helm rollback`
// goes back to; revision 0 stands for the one before the current.
//
// The error is about the cluster or the release, says which revisions there are,
// and quotes no document. So it is with the other methods that read stored
// releases.
func (c *Client) Rollback(ctx context.Context, s Stored, revision int) (current, target Side, err error) {
	return c.twoSides(ctx, s, func(h *history) (old, updated *release.Release, err error) {
		updated, err = h.rollbackTarget(revision)
		return h.last(), updated, err
	}, func(h *history, old, updated *Side) (err error) {
		if h.last().Info.Status == release.StatusFailed {
			old.Beside = h.beside(h.last())
		}
		updated.ServerSide = h.serverSide(updated.Revision)
		if h.last().Info.Status != release.StatusUninstalled {
			return nil
		}
		// What was uninstalled is made anew, except for what has stayed.
		old.Manifest, err = keptObjects(h.last())
		return err
	})
}

// Revisions returns two revisions of a release; updated 0 stands for the one that
// is deployed, or the last one if none is.
func (c *Client) Revisions(ctx context.Context, s Stored, old, updated int) (oldSide, newSide Side, err error) {
	return c.twoSides(ctx, s, func(h *history) (*release.Release, *release.Release, error) {
		from, err := h.get(old)
		if err != nil {
			return nil, nil, err
		}
		if updated == 0 {
			return from, h.deployed(), nil
		}
		to, err := h.get(updated)
		return from, to, err
	}, func(h *history, old, updated *Side) error {
		// A step between two revisions is judged as it was once made.
		old.Failed, old.FailedHow = 0, ""
		updated.ServerSide = h.serverSide(old.Revision)
		return nil
	})
}

// Installed returns the revision of a release that is deployed, or the last one if
// none is.
func (c *Client) Installed(ctx context.Context, s Stored) (Side, error) {
	side, _, err := c.twoSides(ctx, s, func(h *history) (*release.Release, *release.Release, error) {
		return h.deployed(), h.deployed(), nil
	}, func(h *history, side, _ *Side) error {
		side.ServerSide = h.serverSide(side.Revision)
		return nil
	})
	return side, err
}

// Uninstall is what `helm uninstall` is told.
type Uninstall struct {
	Stored
	// KeepHistory marks the release as uninstalled and keeps its revisions.
	KeepHistory bool
	// IgnoreNotFound allows that there is no such release; there is nothing to
	// delete then.
	IgnoreNotFound bool
}

// Uninstall returns what there is of the release and what an uninstall makes anew:
// the hooks that run before or after it. These are on the second side only, as
// Helm deletes what is left of an earlier run.
func (c *Client) Uninstall(ctx context.Context, u Uninstall) (installed, left Side, err error) {
	installed, left, err = c.twoSides(ctx, u.Stored, func(h *history) (*release.Release, *release.Release, error) {
		last := h.last()
		if last.Info.Status == release.StatusUninstalled && u.KeepHistory {
			return nil, nil, withHint(errors.New("it is uninstalled already"), "leave --keep-history out to judge that its history is deleted, too")
		}
		rest, hooks := *last, *last
		rest.Hooks = slices.DeleteFunc(slices.Clone(last.Hooks), deletes)
		hooks.Hooks = slices.DeleteFunc(slices.Clone(last.Hooks), func(hook *release.Hook) bool { return !deletes(hook) })
		hooks.Manifest = ""
		if last.Info.Status == release.StatusUninstalled { // only the history is deleted
			rest.Manifest, rest.Hooks, hooks.Hooks = "", nil, nil
		}
		return &rest, &hooks, nil
	}, func(*history, *Side, *Side) error { return nil })
	if errors.Is(err, errNoRelease) && u.IgnoreNotFound {
		nothing := Side{Name: fmt.Sprintf("release %q", u.Release), Release: u.Release, Namespace: c.Settings.Namespace()}
		return nothing, nothing, nil
	}
	return installed, left, err
}

func deletes(hook *release.Hook) bool {
	return slices.Contains(hook.Events, release.HookPreDelete) || slices.Contains(hook.Events, release.HookPostDelete)
}

// twoSides reads the history of a release, has two of its revisions chosen, and
// lets finish fill in what depends on both.
func (c *Client) twoSides(ctx context.Context, s Stored, choose func(*history) (old, updated *release.Release, err error), finish func(h *history, old, updated *Side) error) (old, updated Side, err error) {
	sides, err := interruptible(ctx, func() (sides [2]Side, err error) {
		h, err := c.open(ctx, s.Release)
		if err != nil {
			return sides, err
		}
		inRelease := func(err error) error {
			return fmt.Errorf("find release %q in namespace %q: %w", s.Release, c.Settings.Namespace(), err)
		}
		if len(h.revisions) == 0 {
			return sides, inRelease(withHint(errNoRelease, fmt.Sprintf("`helm list --all --namespace %s` shows what is there", c.Settings.Namespace())))
		}
		from, to, err := choose(h)
		if err != nil {
			return sides, inRelease(err)
		}
		version, err := c.kubeVersion(s.KubeVersion)
		if err != nil {
			return sides, err
		}
		for i, rel := range []*release.Release{from, to} {
			sides[i] = installed(rel, s.NoHooks, s.IncludeCRDs)
			sides[i].KubeVersion, sides[i].Helm = version, c.Major(ctx)
		}
		sides[0].Failed, sides[0].FailedHow = unfinished(from)
		if err := finish(h, &sides[0], &sides[1]); err != nil {
			return sides, fmt.Errorf("read release %q: %w", s.Release, clean(err))
		}
		return sides, nil
	})
	return sides[0], sides[1], err
}

var errNoRelease = errors.New("there is none")

// history is a release with all its revisions, oldest first.
type history struct {
	cfg       configuration // works on a copy of the storage
	revisions []*release.Release
	applied   map[int]string // how Helm 4 has noted that a revision was applied
}

// open reads all revisions of a release, if there are any, from the storage that
// the environment names. What it returns cannot write there.
func (c *Client) open(ctx context.Context, name string) (*history, error) {
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return nil, fmt.Errorf("release name %q: %w", name, err)
	}
	cfg, err := c.engine(ctx).open(c)
	if err != nil {
		return nil, err
	}
	revisions, err := cfg.history(name)
	if err != nil {
		return nil, fmt.Errorf("read release %q: %w", name, clean(err))
	}
	h := &history{cfg: cfg, applied: map[int]string{}}
	for _, rel := range revisions {
		h.revisions = append(h.revisions, rel.Release)
		h.applied[rel.Version] = rel.applied
	}
	return h, nil
}

// serverSide reports whether Helm applies a step from a revision on the server's side:
// Helm 4 does that with revisions of which it has noted so (getUpgradeServerSideValue in
// helm.sh/helm/v4/pkg/action), Helm 3 never.
func (h *history) serverSide(revision int) bool { return h.applied[revision] == "ssa" }

// last returns the newest revision, whatever became of it.
func (h *history) last() *release.Release { return h.revisions[len(h.revisions)-1] }

// deployed returns the newest revision that is deployed, or the last one.
func (h *history) deployed() *release.Release {
	for _, rel := range slices.Backward(h.revisions) {
		if rel.Info.Status == release.StatusDeployed {
			return rel
		}
	}
	return h.last()
}

// beside returns the manifests of the revisions of which the cluster may hold objects after
// an upgrade failed, without that of one of them.
func (h *history) beside(without *release.Release) []string {
	var manifests []string
	for _, rel := range slices.Backward(h.revisions) {
		if rel != without {
			manifests = append(manifests, rel.Manifest)
		}
		if rel.Info.Status == release.StatusDeployed || rel.Info.Status == release.StatusSuperseded {
			break
		}
	}
	slices.Reverse(manifests)
	return manifests
}

// find returns a revision, or nil.
func (h *history) find(revision int) *release.Release {
	i := slices.IndexFunc(h.revisions, func(rel *release.Release) bool { return rel.Version == revision })
	if i < 0 {
		return nil
	}
	return h.revisions[i]
}

// get returns a revision, or an error that says which there are.
func (h *history) get(revision int) (*release.Release, error) {
	if rel := h.find(revision); rel != nil {
		return rel, nil
	}
	return nil, withHint(fmt.Errorf("it has no revision %d", revision), "it has "+h.list())
}

// list names the revisions and what became of them.
func (h *history) list() string {
	texts := make([]string, len(h.revisions))
	for i, rel := range h.revisions {
		texts[i] = fmt.Sprintf("%d (%s)", rel.Version, rel.Info.Status)
	}
	noun := "revisions "
	if len(texts) == 1 {
		noun = "revision "
	}
	return noun + strings.Join(texts, ", ")
}

// rollbackTarget chooses as prepareRollback in pkg/action/rollback.go does: without
// a revision it is the one before the last, whatever became of both.
func (h *history) rollbackTarget(revision int) (*release.Release, error) {
	if revision == 0 {
		revision = h.last().Version - 1
	}
	if revision == 0 {
		return nil, withHint(errors.New("it has only one revision, and none to go back to"), "`helm history` shows the revisions of a release")
	}
	return h.get(revision)
}

// unfinished returns the number of a revision of which nobody knows how much is in
// the cluster, and why.
func unfinished(rel *release.Release) (revision int, how string) {
	switch status := rel.Info.Status; {
	case status == release.StatusFailed:
		return rel.Version, "failed"
	case status.IsPending(), status == release.StatusUninstalling:
		return rel.Version, fmt.Sprintf("is in status %s", status)
	default:
		return 0, ""
	}
}

// kubeVersion returns the version to judge for: the one asked for, or else that of
// the cluster.
func (c *Client) kubeVersion(asked string) (string, error) {
	if asked != "" {
		version, err := parseKubeVersion(asked)
		if err != nil {
			return "", err
		}
		return version.Version, nil
	}
	client, err := c.cluster().ToDiscoveryClient()
	if err != nil {
		return "", withHint(fmt.Errorf("ask the cluster for its version: %w", clean(err)), versionHint)
	}
	client.Invalidate()
	server, err := client.ServerVersion()
	if err != nil {
		return "", withHint(fmt.Errorf("ask the cluster for its version: %w", clean(err)), versionHint)
	}
	return server.GitVersion, nil
}

const versionHint = "set KUBECONFIG, --kubeconfig or --kube-context to a cluster that answers, or give its version with --kube-version"

// keptObjects returns what an uninstall has left of a release: the objects with a
// resource policy, whatever it says (filterManifestsToKeep in
// pkg/action/resource_policy.go).
func keptObjects(rel *release.Release) (string, error) {
	_, objects, err := releaseutil.SortManifests(releaseutil.SplitManifests(rel.Manifest), nil, releaseutil.InstallOrder)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, o := range objects {
		if o.Head.Metadata == nil {
			continue
		}
		if _, set := o.Head.Metadata.Annotations["helm.sh/resource-policy"]; set {
			b.WriteString("---\n" + o.Content + "\n")
		}
	}
	return b.String(), nil
}

// RevisionsOf returns the numbers of the revisions of a release, newest first, for
// completion in a shell.
func (c *Client) RevisionsOf(ctx context.Context, name string) ([]string, error) {
	return interruptible(ctx, func() ([]string, error) {
		h, err := c.open(ctx, name)
		if err != nil {
			return nil, err
		}
		var numbers []string
		for _, rel := range slices.Backward(h.revisions) {
			numbers = append(numbers, strconv.Itoa(rel.Version))
		}
		return numbers, nil
	})
}
