package rollout

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const onDeleteDaemons = "+ updateStrategy: {type: OnDelete}"

func daemonsUnavailable(n string) string {
	return "+ updateStrategy: {rollingUpdate: {maxUnavailable: " + n + "}}"
}

const daemonSurge = "+ updateStrategy: {rollingUpdate: {maxSurge: 10%, maxUnavailable: 0}}"

func TestDaemonSetOnKnownNodes(t *testing.T) {
	three := 3
	rolled := func(fewest int, how string) change.Pods {
		return change.Pods{Replaced: true, AllDown: fewest == 0, Before: 3, Desired: 3, Affected: 3, Fewest: fewest, How: how}
	}
	runSteps(t, daemonSetText, Facts{Nodes: &three}, []step{
		{"one at a time by default", nil, []string{newImage}, rolled(2, "rolling update, at most 1 of 3 down"), ""},
		{"a percentage is rounded up", nil, []string{daemonsUnavailable("34%"), newImage}, rolled(1, "rolling update, at most 2 of 3 down"), ""},
		{"all", nil, []string{daemonsUnavailable("100%"), newImage}, rolled(0, "rolling update, at most 3 of 3 down"), ""},
		{"more than there are", nil, []string{daemonsUnavailable("10"), newImage}, rolled(0, "rolling update, at most 3 of 3 down"), ""},
		{"one where none is allowed", nil, []string{daemonsUnavailable("0"), newImage}, rolled(2, "rolling update, at most 1 of 3 down"), ""},
		{"surge", nil, []string{daemonSurge, newImage}, rolled(3, "rolling update, new pods first"), ""},
		{"OnDelete replaces nothing", nil, []string{onDeleteDaemons, newImage}, heldBack(3, heldByOnDelete), ""},
		{"OnDelete ends", []string{onDeleteDaemons}, nil, kept(3, ""), "held back by OnDelete"},
		{"OnDelete ends, with another image", []string{onDeleteDaemons}, []string{newImage}, rolled(2, "rolling update, at most 1 of 3 down"), ""},
		{"strategy alone", nil, []string{daemonsUnavailable("100%")}, kept(3, ""), ""},
	})
}

func TestDaemonSetOnUnknownNodes(t *testing.T) {
	rolled := func(allDown bool, fewest int, how string) change.Pods {
		return change.Pods{Replaced: true, AllDown: allDown, Before: unknown, Desired: unknown, Affected: unknown, Fewest: fewest, How: how}
	}
	runSteps(t, daemonSetText, Facts{}, []step{
		{"one at a time", nil, []string{newImage}, rolled(false, unknown, "maxUnavailable 1"), ""},
		{"all", nil, []string{daemonsUnavailable("100%"), newImage}, rolled(true, 0, "maxUnavailable 100%"), ""},
		{"half is less than all on two nodes", nil, []string{daemonsUnavailable("50%"), newImage}, rolled(false, unknown, "maxUnavailable 50%"), ""},
		{"most of them may be all", nil, []string{daemonsUnavailable("90%"), newImage}, rolled(false, unknown, "maxUnavailable 90%"), "more than 9 nodes"},
		{"two may be all", nil, []string{daemonsUnavailable("2"), newImage}, rolled(false, unknown, "maxUnavailable 2"), "more than 2 nodes"},
		{"a number may be all", nil, []string{daemonsUnavailable("10"), newImage}, rolled(false, unknown, "maxUnavailable 10"), "more than 10 nodes"},
		{"surge", nil, []string{daemonSurge, newImage}, rolled(false, unknown, "rolling update, new pods first"), ""},
		{"OnDelete replaces nothing", nil, []string{onDeleteDaemons, newImage}, heldBack(unknown, heldByOnDelete), ""},
		{"nothing", nil, nil, kept(unknown, ""), ""},
	})
}

func TestDaemonSetOnNoNodes(t *testing.T) {
	none := 0
	runSteps(t, daemonSetText, Facts{Nodes: &none}, []step{
		{"image", nil, []string{newImage}, change.Pods{}, ""},
	})
}

func TestDaemonSetThatMayLeaveNodes(t *testing.T) {
	three := 3
	moved := func(how string) change.Pods {
		return change.Pods{Replaced: true, Before: 3, Desired: unknown, Affected: 3, Fewest: unknown, How: how}
	}
	const rolling, unclear = "rolling update, at most 1 of 3 down", "which nodes still match"
	runSteps(t, daemonSetText, Facts{Nodes: &three}, []step{
		{"node selector", nil, []string{"# pod => nodeSelector: {pool: other}"}, moved(rolling), unclear},
		{"toleration lost", nil, []string{"value: edge => value: other"}, moved(rolling), unclear},
		{
			"required affinity", nil,
			[]string{"# pod => affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: Exists}]}]}}}"},
			moved(rolling), unclear,
		},
		{
			"toleration added", nil, []string{"tolerations: => tolerations:\n      - {key: more, operator: Exists}"},
			change.Pods{Replaced: true, Before: 3, Desired: 3, Affected: 3, Fewest: 2, How: rolling}, "",
		},
		{
			"not even OnDelete keeps them", []string{onDeleteDaemons}, []string{onDeleteDaemons, "# pod => nodeSelector: {pool: other}"},
			change.Pods{Before: 3, Desired: unknown, Fewest: unknown, Held: true, How: heldByOnDelete}, unclear,
		},
	})
}
