package rollout

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

func TestDeployment(t *testing.T) {
	rolled := func(before, desired, fewest int, how string) change.Pods {
		return change.Pods{
			Replaced: true, AllDown: fewest == 0, Before: before, Desired: desired,
			Affected: min(before, desired), Fewest: fewest, How: how,
		}
	}
	const recreate = "+ strategy: {type: Recreate}"
	rolling := func(surge, unavailable string) string {
		return "+ strategy: {rollingUpdate: {maxSurge: " + surge + ", maxUnavailable: " + unavailable + "}}"
	}
	replicas := func(n string) string { return "replicas: 3 => replicas: " + n }
	runSteps(t, deploymentText, Facts{}, []step{
		{"default strategy keeps all pods up", nil, []string{newImage}, rolled(3, 3, 3, "rolling update, 1 at a time, none missing"), ""},
		{"default strategy of many pods: a quarter, rounded down", []string{replicas("10")}, []string{replicas("10"), newImage}, rolled(10, 10, 8, "rolling update, at most 2 of 10 down"), ""},
		{"one replica comes up before the old one goes", []string{replicas("1")}, []string{replicas("1"), newImage}, rolled(1, 1, 1, "rolling update, 1 at a time, none missing"), ""},
		{"as many new pods at a time as the surge allows", nil, []string{rolling("100%", "0"), newImage}, rolled(3, 3, 3, "rolling update, 3 at a time, none missing"), ""},
		{"no surge, one replica", []string{replicas("1")}, []string{replicas("1"), rolling("0", "1"), newImage}, rolled(1, 1, 0, "rolling update, at most 1 of 1 down"), ""},
		{"no surge, and a percentage that rounds to none", []string{replicas("1")}, []string{replicas("1"), rolling("0", "50%"), newImage}, rolled(1, 1, 0, "rolling update, at most 1 of 1 down"), ""},
		{"surge as a percentage of 0", []string{replicas("1")}, []string{replicas("1"), rolling("0%", "25%"), newImage}, rolled(1, 1, 0, "rolling update, at most 1 of 1 down"), ""},
		{"half of two", []string{replicas("2")}, []string{replicas("2"), rolling("0", "50%"), newImage}, rolled(2, 2, 1, "rolling update, at most 1 of 2 down"), ""},
		{"all unavailable", nil, []string{rolling("1", "100%"), newImage}, rolled(3, 3, 0, "rolling update, at most 3 of 3 down"), ""},
		{"more unavailable than there are", nil, []string{rolling("1", "5"), newImage}, rolled(3, 3, 0, "rolling update, at most 3 of 3 down"), ""},
		{"Recreate", []string{recreate}, []string{recreate, newImage}, rolled(3, 3, 0, "strategy Recreate"), ""},
		{"the new strategy applies, for worse", nil, []string{recreate, newImage}, rolled(3, 3, 0, "strategy Recreate"), ""},
		{"the new strategy applies, for better", []string{recreate}, []string{newImage}, rolled(3, 3, 3, "rolling update, 1 at a time, none missing"), ""},
		{"scaled up while rolling", nil, []string{replicas("5"), newImage}, rolled(3, 5, 3, "rolling update, at most 1 of 5 down"), ""},
		{"scaled down while rolling", nil, []string{replicas("2"), newImage}, rolled(3, 2, 2, "rolling update, 1 at a time, none missing"), ""},

		{"strategy alone", nil, []string{recreate}, kept(3, ""), ""},
		{"other fields than the template", nil, []string{"+ minReadySeconds: 5", "+ revisionHistoryLimit: 1"}, kept(3, ""), ""},
		{"scaled up", nil, []string{replicas("5")}, change.Pods{Before: 3, Desired: 5, Fewest: 3}, ""},
		{"replicas away from the manifest", nil, []string{"  replicas: 3 => "}, change.Pods{Before: 3, Desired: 1, Fewest: 1}, ""},
		{"scaled to nothing", nil, []string{replicas("0")}, change.Pods{Before: 3, AllDown: true}, ""},
		{"scaled to nothing with another image", nil, []string{replicas("0"), newImage}, change.Pods{Before: 3, AllDown: true}, ""},
		{"scaled up from nothing with another image", []string{replicas("0")}, []string{newImage}, change.Pods{Desired: 3}, ""},
		{"no pods", []string{replicas("0")}, []string{replicas("0"), newImage}, change.Pods{}, ""},

		{"paused holds the new template back", []string{"+ paused: true"}, []string{"+ paused: true", newImage}, heldBack(3, "paused: the new template waits"), ""},
		{"pausing at once does, too", nil, []string{"+ paused: true", newImage}, heldBack(3, "paused: the new template waits"), ""},
		{"pausing", nil, []string{"+ paused: true"}, kept(3, ""), ""},
		{"paused is still scaled", []string{"+ paused: true"}, []string{"+ paused: true", replicas("5")}, change.Pods{Before: 3, Desired: 5, Fewest: 3}, ""},
		{"unpausing may let go of a revision", []string{"+ paused: true"}, nil, kept(3, "unpaused"), "waits since the Deployment was paused"},
		{"unpausing with another image", []string{"+ paused: true"}, []string{newImage}, rolled(3, 3, 3, "rolling update, 1 at a time, none missing"), ""},
		{"unpausing without pods", []string{"+ paused: true", replicas("0")}, []string{replicas("0")}, change.Pods{}, ""},
	})
}
