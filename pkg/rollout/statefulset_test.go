package rollout

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/kubernetes/pkg/features"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const (
	parallel     = "+ podManagementPolicy: Parallel"
	onDeletePods = "+ updateStrategy: {type: OnDelete}"
)

func fromPartition(n string) string {
	return "+ updateStrategy: {rollingUpdate: {partition: " + n + "}}"
}

func TestStatefulSet(t *testing.T) {
	turn := func(affected, fewest int, how string) change.Pods {
		return change.Pods{Replaced: true, Before: 3, Desired: 3, Affected: affected, Fewest: fewest, How: how}
	}
	replicas := func(n string) string { return "replicas: 3 => replicas: " + n }
	start := func(n string) string { return "+ ordinals: {start: " + n + "}" }
	const letGo = "held back by OnDelete or a partition"
	runSteps(t, statefulSetText, Facts{}, []step{
		{"one at a time", nil, []string{newImage}, turn(3, 2, "one at a time"), ""},
		{"Parallel is no faster", []string{parallel}, []string{parallel, newImage}, turn(3, 2, "one at a time"), ""},
		{"one replica", []string{replicas("1")}, []string{replicas("1"), newImage}, change.Pods{Replaced: true, AllDown: true, Before: 1, Desired: 1, Affected: 1, How: "it has one replica"}, ""},
		{"scaled down to one", nil, []string{replicas("1"), newImage}, change.Pods{Replaced: true, AllDown: true, Before: 3, Desired: 1, Affected: 1, How: "it has one replica"}, ""},
		{"scaled up from one", []string{replicas("1")}, []string{newImage}, change.Pods{Replaced: true, Before: 1, Desired: 3, Affected: 1, Fewest: 1, How: "one at a time"}, ""},
		{"scaled up", nil, []string{replicas("5")}, change.Pods{Before: 3, Desired: 5, Fewest: 3}, ""},
		{"scaled to nothing", nil, []string{replicas("0"), newImage}, change.Pods{Before: 3, AllDown: true}, ""},
		{"no pods", []string{replicas("0")}, []string{replicas("0"), newImage}, change.Pods{}, ""},
		{"other fields than the template", nil, []string{"+ minReadySeconds: 5", "+ revisionHistoryLimit: 1"}, kept(3, ""), ""},

		{"OnDelete replaces nothing", []string{onDeletePods}, []string{onDeletePods, newImage}, heldBack(3, heldByOnDelete), ""},
		{"OnDelete at once does not, either", nil, []string{onDeletePods, newImage}, heldBack(3, heldByOnDelete), ""},
		{"OnDelete ends", []string{onDeletePods}, nil, kept(3, ""), letGo},
		{"OnDelete ends, with another image", []string{onDeletePods}, []string{newImage}, turn(3, 2, "one at a time"), ""},
		{"OnDelete begins", nil, []string{onDeletePods}, kept(3, ""), ""},

		{"partition holds pods back", nil, []string{fromPartition("2"), newImage}, turn(1, 2, "partition 2 of 3, one at a time"), ""},
		{"partition holds all back", nil, []string{fromPartition("3"), newImage}, heldBack(3, "partition 3 of 3: all pods keep the old template"), ""},
		{"partition lowered", []string{fromPartition("3")}, []string{fromPartition("2")}, kept(3, ""), letGo},
		{"partition lowered, still above the pods", []string{fromPartition("9")}, []string{fromPartition("3")}, kept(3, ""), ""},
		{"partition lowered, with another image", []string{fromPartition("3")}, []string{fromPartition("1"), newImage}, turn(2, 2, "partition 1 of 3, one at a time"), ""},
		{"partition raised", []string{fromPartition("1")}, []string{fromPartition("2")}, kept(3, ""), ""},
		{"partition raised above all pods", nil, []string{fromPartition("3")}, kept(3, ""), ""},

		{"ordinals move up", nil, []string{start("1")}, turn(1, 3, "ordinals start at 1"), ""},
		{"ordinals move beyond the old ones", nil, []string{start("5")}, turn(3, 3, "ordinals start at 5"), ""},
		{"Parallel moves ordinals all at once", []string{parallel}, []string{parallel, start("5")}, change.Pods{Replaced: true, AllDown: true, Before: 3, Desired: 3, Affected: 3, How: "ordinals start at 5"}, ""},
		{"Parallel moves some ordinals", []string{parallel}, []string{parallel, start("1")}, turn(1, 2, "ordinals start at 1"), ""},
		{"ordinals move, with another image", nil, []string{start("1"), newImage}, turn(3, 2, "one at a time"), ""},
		{"Parallel moves ordinals, with another image", []string{parallel}, []string{parallel, start("1"), newImage}, turn(3, 1, "one at a time"), ""},
		{"the partition counts from the first ordinal", []string{start("5")}, []string{start("5"), fromPartition("1"), newImage}, turn(2, 2, "partition 1 of 3, one at a time"), ""},
	})
}

func TestStatefulSetMaxUnavailable(t *testing.T) {
	unavailable := func(n string) string {
		return "+ updateStrategy: {rollingUpdate: {maxUnavailable: " + n + "}}"
	}
	turn := func(fewest int, how string) change.Pods {
		return change.Pods{Replaced: true, AllDown: fewest == 0, Before: 3, Desired: 3, Affected: 3, Fewest: fewest, How: how}
	}
	for _, test := range []struct {
		name  string
		on    bool
		steps []step
	}{
		{"with the feature", true, []step{
			{"two", nil, []string{unavailable("2"), newImage}, turn(1, "at most 2 of 3 down"), ""},
			{"a percentage is rounded down", nil, []string{unavailable("50%"), newImage}, turn(2, "one at a time"), ""},
			{"but not to none", nil, []string{unavailable("1%"), newImage}, turn(2, "one at a time"), ""},
			{"all", nil, []string{unavailable("100%"), newImage}, turn(0, "at most 3 of 3 down"), ""},
		}},
		{"without the feature", false, []step{
			{"all", nil, []string{unavailable("100%"), newImage}, turn(2, "one at a time"), ""},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.MaxUnavailableStatefulSet, test.on)
			runSteps(t, statefulSetText, Facts{}, test.steps)
		})
	}
}

// An object stored by an older server may lack defaults that today's fills in.
func TestStatefulSetRevisionForgivesMissingDefaults(t *testing.T) {
	old, updated := stored(t, statefulSetText).(*appsv1.StatefulSet), stored(t, statefulSetText).(*appsv1.StatefulSet)
	old.Spec.Template.Spec.SchedulerName = ""
	if !sameRevision(old, updated) {
		t.Error("another revision though the template means the same")
	}
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.StatefulSetSemanticRevisionComparison, false)
	if sameRevision(old, updated) {
		t.Error("the same revision though bytes differ and nothing forgives that")
	}
}
