package textreport

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// failure says what a failing operation leaves behind.
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
		return fmt.Sprintf("fails part-way: %s applied, %s never attempted", are(reporting.Plural(sum.Made, "other change"), sum.Made), are(strconv.Itoa(sum.Unreached), sum.Unreached))
	}
}

// are adds the matching form of the verb to a count.
func are(what string, n int) string {
	if n == 1 {
		return what + " is"
	}
	return what + " are"
}

// partWay says in which state an upgrade leaves the release if it fails after it has
// changed something. This is the state from which Helm continues. The next upgrade starts
// from the revision that was deployed last, not from the one that failed (prepareUpgrade in
// helm.sh/helm/v3/pkg/action). A rollback starts from the one that failed.
func (p *Page) partWay(set *change.Set, sum *change.Summary) {
	if sum.Upfront || sum.Made == 0 || cmp.Or(set.Release.Operation, change.Upgrade) != change.Upgrade {
		return
	}
	from := "the installed revision"
	if set.Release.Revision > 0 {
		from = fmt.Sprintf("revision %d", set.Release.Revision)
	}
	back := "`helm rollback` undoes it"
	if len(set.OneWay) > 0 {
		back += ", except what is listed under " + strconv.Quote(OneWay)
	}
	p.line("  the release is then in status failed: the next upgrade starts from ", from, " and ignores what this one applied; ", back)
}
