package rule

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// PodEvidence is what happens to the pods of a workload, in numbers, and what is in the way
// of new ones.
func PodEvidence(c *change.Change) []change.Evidence {
	p := c.Outcome.Pods
	if p == nil {
		return nil
	}
	list := []change.Evidence{
		{What: "pods before", Count: p.Before},
		{What: "pods after", Count: p.Desired},
		{What: "pods replaced", Count: p.Affected},
		{What: "ready pods at least", Count: p.Fewest},
	}
	for _, block := range [][2]string{{"stuck", p.Stuck}, {"pods refused", p.Refused}, {"volume held", p.Volume}} {
		if block[1] != "" {
			list = append(list, change.Evidence{What: block[0], Names: []string{block[1]}})
		}
	}
	return list
}

// RefusalEvidence is why the API server, or Helm, refuses a change.
func RefusalEvidence(c *change.Change) []change.Evidence {
	list := make([]change.Evidence, 0, len(c.Outcome.Refused))
	for _, e := range c.Outcome.Refused {
		list = append(list, change.Evidence{What: "refused: " + e.Type, Names: []string{e.Field}})
	}
	return list
}

// LossEvidence is what goes with an object that goes, or what becomes of one under another
// name.
func LossEvidence(c *change.Change) []change.Evidence {
	list := []change.Evidence{{What: string(c.Op)}}
	if r := c.Renamed; r != nil {
		list = append(list, change.Evidence{What: "renamed", Objects: []manifest.Ref{r.Old, r.New}})
		if r.Claims != nil {
			list = append(list, change.Evidence{What: "claims that stay behind", Names: r.Claims.Behind}, change.Evidence{What: "claims that begin empty", Names: r.Claims.Empty})
		}
	}
	if l := c.Outcome.Loss; l != nil {
		list = append(list, change.Evidence{What: "lost", Names: l.What})
	}
	return list
}
