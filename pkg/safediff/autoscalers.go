package safediff

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// scaledPair is a workload whose manifest says how many pods it has, and the autoscaler of the
// new side that scales it. Both are pairs, as their index.
type scaledPair struct {
	autoscaler, workload int
	// begins says that one of the two does so from this upgrade on.
	begins, autoscalerBegins bool
}

// scaledPairs lists the workloads of the installed release that an autoscaler of it
// scales after the upgrade, and of which the manifest then says how many pods they have.
func scaledPairs(pairs []diff.Pair) []scaledPair {
	var list []scaledPair
	var place map[manifest.Identity]int
	for i, p := range pairs {
		if p.New == nil || diff.IsHook(p.New) || pausedByKEDA(p.New) {
			continue
		}
		target, is := scaleTarget(p.New)
		if !is {
			continue
		}
		if place == nil {
			place = places(pairs)
		}
		at, inside := place[target]
		if !inside {
			continue
		}
		w := pairs[at]
		if w.Old == nil || w.New == nil || !setsReplicas(w.New) || replicasOf(w.New) == 0 {
			continue
		}
		begins := p.Old == nil
		if !begins {
			was, before := scaleTarget(p.Old)
			begins = !before || was != target
		}
		list = append(list, scaledPair{autoscaler: i, workload: at, begins: begins || !setsReplicas(w.Old), autoscalerBegins: begins})
	}
	return list
}

// contests tells where from now on an autoscaler and a manifest both decide how many pods
// a workload has: a merge sets the manifest's number back in every upgrade, server-side
// apply is refused once the autoscaler has scaled. Where both did so before, pods surely go
// if the manifest's number is less than the autoscaler lets be.
func (j *judge) contests(pairs []diff.Pair, judged []judgement) {
	for _, s := range scaledPairs(pairs) {
		w, at := pairs[s.workload], s.workload
		if s.autoscalerBegins {
			at = s.autoscaler
		}
		c := judged[at].change
		switch {
		case c == nil || !done(c):
		case s.begins:
			c.Outcome.Contested = append(c.Outcome.Contested, change.Contested{
				Autoscaler: pairs[s.autoscaler].New.Ref, Workload: w.New.Ref, Replicas: replicasOf(w.New),
				Refused: j.opts.ServerSide && !j.opts.ForceConflicts && !j.opts.Replace,
			})
			classify(c)
		case !j.looked(w.New.Ref) && c.Outcome.Pods != nil:
			churn(c.Outcome.Pods, replicasOf(w.New), leastOf(pairs[s.autoscaler].Old))
			classify(c)
		}
	}
}

const scaleConflict = "Apply failed with 1 conflict: conflict with the autoscaler, which keeps %d pods or more: .spec.replicas"

// overscaled refuses, where Helm applies on the server's side, workloads of which an
// autoscaler has kept more pods than either manifest says: the number is no longer Helm's.
// A look at the cluster tells by itself.
func (j *judge) overscaled(pairs []diff.Pair, judged []judgement) {
	if !j.opts.ServerSide || j.opts.ForceConflicts || j.opts.Replace {
		return
	}
	for _, s := range scaledPairs(pairs) {
		w := pairs[s.workload]
		if s.begins || j.looked(w.New.Ref) {
			continue
		}
		least := leastOf(pairs[s.autoscaler].Old)
		if replicasOf(w.Old) == 0 || max(replicasOf(w.Old), replicasOf(w.New)) >= least {
			continue // an autoscaler leaves alone what rests
		}
		c := judged[s.workload].change
		if c == nil {
			c = &change.Change{Ref: w.New.Ref, Op: change.Update, Old: w.Old, New: w.New}
		}
		if len(c.Outcome.Refused) == 0 {
			c.Outcome.Refused, c.Outcome.Pods = []change.FieldError{{Type: "Conflict", Message: fmt.Sprintf(scaleConflict, least)}}, nil
			classify(c)
			judged[s.workload].change, judged[s.workload].oneWay = c, ""
		}
	}
}

// places tells where the pair of each object stands.
func places(pairs []diff.Pair) map[manifest.Identity]int {
	place := make(map[manifest.Identity]int, len(pairs))
	for i, p := range pairs {
		place[p.Ref().Identity()] = i
	}
	return place
}

// leastOf returns how many pods an autoscaler keeps at least, 1 unless it says otherwise;
// 0 for one of KEDA, which may rest.
func leastOf(autoscaler *manifest.Object) int {
	if autoscaler.Ref.Group == groupOfKEDA {
		return 0
	}
	least, set := specOf(autoscaler)["minReplicas"].(int64)
	if !set {
		return 1
	}
	return int(least)
}

// churn corrects what is said of a workload that an upgrade scales to fewer pods than an
// autoscaler keeps.
func churn(pods *change.Pods, replicas, least int) {
	if replicas >= least {
		return
	}
	churned(pods, fmt.Sprintf("scaled to %d, and back to %d or more by the autoscaler", replicas, least))
}

// churned notes that pods go and come, how in one clause, since the manifest and an
// autoscaler want different numbers of them.
func churned(pods *change.Pods, how string) {
	if !pods.Replaced {
		pods.Cause = "the manifest and an autoscaler both say how many there are"
	}
	pods.Replaced, pods.Affected = true, -1
	pods.How = strings.TrimPrefix(pods.How+", ", ", ") + how
}

// pausedByKEDA reports whether the manifest of an autoscaler says that it rests.
func pausedByKEDA(o *manifest.Object) bool {
	_, paused := o.Annotation(pausedAnnotation)
	_, held := o.Annotation(pausedAtAnnotation)
	return paused || held
}
