package report

import (
	"cmp"
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// failure says of an operation that fails what it leaves behind.
func failure(sum *change.Summary) string {
	switch {
	case sum.Upfront:
		return "fails before anything is changed"
	case sum.Made == 0 && sum.Unreached == 0:
		return "fails"
	case sum.Unreached == 0:
		return "fails, and all other changes are made"
	case sum.Made == 0:
		return "fails, and no other change is made"
	default:
		return fmt.Sprintf("fails half-way: %s made, %d not", plural(sum.Made, "other change"), sum.Unreached)
	}
}

// maxStays is how many objects that stay as they are get named, the worst ones.
const maxStays = 5

// halfWay says in which state an upgrade leaves the release that fails after it has
// changed something: what stays old, and from where Helm goes on. The next upgrade
// starts from the revision that was deployed last, not from the one that failed
// (prepareUpgrade in helm.sh/helm/v3/pkg/action), a rollback from the one that failed.
func (p *page) halfWay(set *change.Set, sum *change.Summary) {
	if sum.Upfront || sum.Made == 0 || cmp.Or(set.Release.Operation, change.Upgrade) != change.Upgrade {
		return
	}
	var old []manifest.Ref
	for i := range set.Changes {
		c := &set.Changes[i]
		stays := c.Outcome.Unreached || len(c.Outcome.Refused) > 0
		if stays && c.Old != nil && c.Op != change.Keep && !c.Hidden() {
			old = append(old, c.Ref)
		}
	}
	switch {
	case sum.Unreached == 0: // but for what is refused, and told below
	case len(old) == 1:
		p.line("  stays as it is: ", p.refs(old))
	case len(old) > 1:
		more := ""
		if n := len(old) - maxStays; n > 0 && !p.all {
			old, more = old[:maxStays], fmt.Sprintf(", … %d more", n)
		}
		p.line("  stay as they are: ", p.refs(old), more)
	}
	from := "the installed revision"
	if set.Release.Revision > 0 {
		from = fmt.Sprintf("revision %d", set.Release.Revision)
	}
	back := "helm rollback takes it back"
	if len(set.OneWay) > 0 {
		back += ", but for what stands below " + oneWay
	}
	p.line("  the release is then in status failed: the next upgrade starts from ", from, " and knows nothing of what this one has made; ", back)
}
