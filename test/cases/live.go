package cases

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// WantedLive returns what must be said of the case with a look at the cluster, and
// what must be told; "" where the case does not ask for anything.
func (c *Case) WantedLive(serverSide bool) (said, told string) {
	if serverSide {
		return cmp.Or(c.LiveServerSide, c.Live), cmp.Or(c.ToldServerSide, c.Told)
	}
	return c.Live, c.Told
}

// Missing returns the lines "KIND/NAME: TEXT" of which the text is in nothing that
// is told of the object: no finding, no notice, no drift, nothing of its pods.
func Missing(set *change.Set, lines string) []string {
	var missing []string
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		object, text, _ := strings.Cut(line, ": ")
		if !slices.ContainsFunc(told(set)[object], func(told string) bool { return strings.Contains(told, text) }) {
			missing = append(missing, line)
		}
	}
	return missing
}

// told returns what is told of each object, by its KIND/NAME.
func told(set *change.Set) map[string][]string {
	all := map[string][]string{}
	add := func(kind, name, text string) { all[kind+"/"+name] = append(all[kind+"/"+name], text) }
	for i := range set.Changes {
		c := &set.Changes[i]
		for _, f := range c.Findings {
			add(c.Ref.Kind, c.Ref.Name, f.Message)
		}
		for _, e := range c.Outcome.Refused {
			add(c.Ref.Kind, c.Ref.Name, e.Message)
		}
		if p := c.Outcome.Pods; p != nil {
			add(c.Ref.Kind, c.Ref.Name, p.How)
		}
	}
	for _, n := range set.Unchecked {
		add(n.Ref.Kind, n.Ref.Name, "unchecked: "+n.Reason)
	}
	for i := range set.Drift {
		d := &set.Drift[i]
		add(d.Ref.Kind, d.Ref.Name, fmt.Sprintf("drift: %s %s", d.Path, d.Fate))
	}
	return all
}
