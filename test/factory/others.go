package factory

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/databus23/helm-diff/v3/diff"
	helmdiff "github.com/databus23/helm-diff/v3/manifest"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/test/agreement"
)

// guess is what somebody would say of one object who has nothing but a diff of the text.
type guess struct {
	verdict string
	restart bool
}

// textual is the rule of those who read the manifests: what differs is changed, and anything under
// the spec of a workload restarts its pods.
func textual(was, is object) guess {
	switch {
	case was == nil:
		return guess{verdict: "created"}
	case is == nil:
		return guess{verdict: "deleted"}
	case reflect.DeepEqual(was, is):
		return guess{verdict: "unchanged"}
	}
	return guess{verdict: "modified", restart: !reflect.DeepEqual(was["spec"], is["spec"])}
}

// helmDiff reads what helm-diff prints of an object: the heading says what becomes of it, and a changed line
// below "template:" says that pods restart.
func helmDiff(was, is object) guess {
	index := func(o object) map[string]*helmdiff.MappingResult {
		if o == nil {
			return nil
		}
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil
		}
		kind, _ := o["kind"].(string)
		keeps, _ := at(o, "metadata", "annotations", "helm.sh/resource-policy")
		policy, _ := keeps.(string)
		return map[string]*helmdiff.MappingResult{"it": {Name: "it", Kind: kind, Content: string(text), ResourcePolicy: policy}}
	}
	var page bytes.Buffer
	diff.Manifests(index(was), index(is), &diff.Options{OutputFormat: "diff", OutputContext: -1, ShowSecrets: true}, &page)
	g := guess{verdict: "unchanged"}
	var above []string // keys above the line, by indentation
	for line := range strings.Lines(colors.ReplaceAllString(page.String(), "")) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasSuffix(line, " has been added:"):
			return guess{verdict: "created"}
		case strings.HasSuffix(line, " has been removed:"):
			return guess{verdict: "deleted"}
		case strings.HasSuffix(line, " has changed:"):
			g.verdict = "modified"
			continue
		case line == "" || !strings.ContainsRune("+- ", rune(line[0])):
			continue
		}
		text := strings.TrimPrefix(line[1:], " ")
		depth := (len(text) - len(strings.TrimLeft(text, " "))) / 2
		key, _, _ := strings.Cut(strings.TrimSpace(text), ":")
		above = append(above[:min(depth, len(above))], key)
		if line[0] != ' ' && len(above) > 2 && above[0] == "spec" && above[1] == "template" {
			g.restart = true
		}
	}
	return g
}

// colors matches how helm-diff colours what it prints.
var colors = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// Other counts how often a way to guess was right, for comparison.
type Other struct {
	Verdicts, Restarts, Fails agreement.Tally
	// Wrong counts the upgrades of which it said something wrong.
	Wrong int
}

func (o *Other) add(u *agreement.Upgrade, old, updated []object, of func(was, is object) guess) {
	wrong := !u.Upgrade.OK // nothing in a diff says that an upgrade fails
	count(&o.Fails, !u.Upgrade.OK, false)
	for i := range u.Resources {
		r := &u.Resources[i]
		id := identity(object{"apiVersion": r.APIVersion, "kind": r.Kind, "metadata": object{"name": r.Name}})
		g := of(find(old, id), find(updated, id))
		if same := g.verdict == r.Verdict || r.Verdict == "absent" && g.verdict == "unchanged"; same {
			o.Verdicts.Agree++
		} else {
			o.Verdicts.Missed++
			wrong = true
		}
		if r.Pods != nil && slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"}, r.Kind) {
			happened := r.Pods.Replaced+r.Pods.Restarted > 0
			count(&o.Restarts, happened, g.restart)
			wrong = wrong || happened != g.restart
		}
	}
	if wrong {
		o.Wrong++
	}
}

func count(t *agreement.Tally, happened, said bool) {
	switch {
	case happened == said:
		t.Agree++
		if happened {
			t.Hit++
		}
	case happened:
		t.Missed++
	default:
		t.Alarm++
	}
}
