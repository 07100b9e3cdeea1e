package safediff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// stale notes that the pods of a workload go on with what a ConfigMap or Secret held
// before, and reports whether it does.
func (l *links) stale(from int, c *change.Change, r reference.Reference) bool {
	p := l.pairs[from]
	w := l.judged[from].change
	if p.Old == nil || jobs(p.New.Ref) || w != nil && (w.Op != change.Update || w.Outcome.Pods == nil || w.Outcome.Pods.Replaced) || l.idle(p) {
		return false
	}
	keys, _ := changedKeys(c)
	if r.Key != "" {
		if keys != nil && !slices.Contains(keys, r.Key) {
			return false
		}
		keys = []string{r.Key}
	}
	i := slices.IndexFunc(c.Outcome.Stale, func(s change.Reader) bool { return s.Ref == p.New.Ref })
	if i < 0 {
		c.Outcome.Stale = append(c.Outcome.Stale, change.Reader{Ref: p.New.Ref, Use: r.Use, Keys: keys, Reloader: reloader(p.New, c.Ref)})
		return true
	}
	s := &c.Outcome.Stale[i]
	switch worse := cmp.Compare(severity(r.Use), severity(s.Use)); {
	case worse > 0:
		s.Use, s.Keys = r.Use, keys
	case worse == 0:
		s.Keys = union(s.Keys, keys)
	}
	return true
}

// severity orders uses: what is only mounted may yet be seen.
func severity(use change.Use) int {
	return slices.Index([]change.Use{change.UsedAsFile, change.UsedAsSubPath, change.UsedInEnv}, use)
}

func union(a, b []string) []string {
	if len(a) == 0 || len(b) == 0 {
		return nil // all of them
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// jobs reports whether the pods of a kind run to their end, so that the next one reads
// anew.
func jobs(ref manifest.Ref) bool {
	return ref.Kind == "Job" || ref.Kind == "CronJob" || ref.Kind == "ScaledJob"
}

// idle reports whether a workload is scaled to none on both sides.
func (l *links) idle(p diff.Pair) bool {
	value, err := p.New.Value()
	if err != nil {
		return false
	}
	spec, _ := value["spec"].(map[string]any)
	return spec["replicas"] == int64(0)
}

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
