package report

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// The titles of notices.
const (
	oneWay    = "Cannot be rolled back"
	unchecked = "Unchecked"
)

// notices lists notices below a title; objects with the same reason share a line.
func (p *page) notices(title string, notices []change.Notice) {
	if len(notices) == 0 {
		return
	}
	p.line()
	p.line(p.strong(title))
	var reasons []string
	objects := map[string][]manifest.Ref{}
	for _, n := range notices {
		if _, known := objects[n.Reason]; !known {
			reasons = append(reasons, n.Reason)
		}
		objects[n.Reason] = append(objects[n.Reason], n.Ref)
	}
	for _, reason := range reasons {
		about := p.refs(objects[reason])
		if about != "" {
			about += ": "
		}
		p.line("  ", about, printable(reason))
	}
}
