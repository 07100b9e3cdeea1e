package upgrade

import (
	"cmp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// stale notes that the pods of a workload go on with what a ConfigMap or Secret held
// before.
func (u *Upgrade) stale(from, to *Object, r reference.Reference) {
	if from.Old == nil || from.Idle() || from.Hook != nil || Ends(from.New.Ref) || !u.RunsPods(from.Ref()) || !from.keepsSomePods() {
		return
	}
	keys, _ := ChangedKeys(to.Change)
	if r.Key != "" {
		if keys != nil && !slices.Contains(keys, r.Key) {
			return
		}
		keys = []string{r.Key}
	}
	i := slices.IndexFunc(u.links.Stale, func(s Stale) bool { return s.On == to && s.Reader == from.New.Ref })
	if i < 0 {
		u.links.Stale = append(u.links.Stale, Stale{On: to, Reader: from.New.Ref, Use: r.Use, Keys: keys, Reloader: reloader(from.New, to.Change.Ref)})
		return
	}
	s := &u.links.Stale[i]
	switch worse := cmp.Compare(severity(r.Use), severity(s.Use)); {
	case worse > 0:
		s.Use, s.Keys = r.Use, keys
	case worse == 0:
		s.Keys = union(s.Keys, keys)
	}
}

// KeepsPods reports whether a workload goes on with pods that it has.
func (u *Upgrade) KeepsPods(o *Object) bool {
	return o.Old != nil && o.New != nil && u.RunsPods(o.Ref()) && (o.Change == nil || o.Done()) && o.keepsSomePods()
}

// keepsSomePods reports whether pods of a workload go on as they are. Where it was not looked
// at how its pods fare, nothing about them changes: its own labels are all that differs.
func (o *Object) keepsSomePods() bool {
	c := o.Change
	if scaledToNone(o.New) || c != nil && c.Op != change.Update {
		return false
	}
	if c == nil || c.Outcome.Pods == nil {
		return c == nil || o.Relabelled
	}
	p := c.Outcome.Pods
	return p.Before != 0 && p.Desired != 0 && (!p.Replaced || p.Affected > 0 && p.Affected < min(p.Before, p.Desired))
}

// severity orders uses: what is only mounted may yet be seen.
func severity(use reference.Use) int {
	return slices.Index([]reference.Use{reference.AsFile, reference.AsSubPath, reference.InEnv}, use)
}

func union(a, b []string) []string {
	if len(a) == 0 || len(b) == 0 {
		return nil // all of them
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// scaledToNone reports whether a workload is scaled to no pods.
func scaledToNone(o *manifest.Object) bool { return Spec(o)["replicas"] == int64(0) }

// reloader returns the annotation by which a controller in the cluster restarts the
// pods of a workload when what they read changes.
func reloader(o *manifest.Object, of manifest.Ref) string {
	kind := strings.ToLower(of.Kind)
	for _, row := range []struct {
		annotation string
		named      bool // its value names the objects
	}{
		{"reloader.stakater.com/auto", false},
		{kind + ".reloader.stakater.com/auto", false},
		{kind + ".reloader.stakater.com/reload", true},
		{"wave.pusher.com/update-on-config-change", false},
	} {
		value, has := o.Annotation(row.annotation)
		listed := slices.ContainsFunc(strings.Split(value, ","), func(name string) bool { return strings.TrimSpace(name) == of.Name })
		if has && (row.named && listed || !row.named && value == "true") {
			return row.annotation
		}
	}
	return ""
}
