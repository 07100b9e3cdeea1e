package safediff_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// TestCasesHoldMessages lets each rule say nonsense, one after the other, and expects a
// case to notice. With -update it has the simplest case in which a rule fires hold its
// messages, if none does.
func TestCasesHoldMessages(t *testing.T) {
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	holding := slices.DeleteFunc(list, func(c cases.Case) bool { return !c.HoldsMessages() })
	rules := risk.Rules()
	fires := sync.OnceValue(func() map[string][]*cases.Case { return firing(t) })
	for i := range rules {
		id := rules[i].ID
		if rules[i].Read == nil && rules[i].When == nil && rules[i].Find == nil {
			continue // about the chart's version, its values or its policy, and asked elsewhere
		}
		changed := slices.Clone(rules)
		changed[i] = nonsense(changed[i])
		if noticed(t, holding, id, changed) {
			continue
		}
		if !*update {
			t.Errorf("no case holds what %s says: go test ./pkg/safediff -run TestCasesHoldMessages -update", id)
			continue
		}
		holding = append(holding, hold(t, fires()[id]))
	}
}

// noticed reports whether a case that holds a message of a rule fails with other rules.
func noticed(t *testing.T, holding []cases.Case, id string, rules []rule.Rule) bool {
	t.Helper()
	defer safediff.AskRules(rules)()
	for i := range holding {
		c := &holding[i]
		if !strings.Contains("\n"+c.Messages+"\n"+c.MessagesServerSide, "\n"+id+" ") {
			continue
		}
		for _, serverSide := range []bool{false, true} {
			if messages(t, c, serverSide) != c.WantedMessages(serverSide) {
				return true
			}
		}
	}
	return false
}

// hold writes its messages into the simplest of some cases.
func hold(t *testing.T, fires []*cases.Case) cases.Case {
	t.Helper()
	if len(fires) == 0 {
		t.Fatal("a rule fires in no case")
	}
	slices.SortStableFunc(fires, simplest)
	c := *fires[0]
	c.Messages, c.MessagesServerSide = messages(t, &c, false), messages(t, &c, true)
	if err := c.Rewrite("messages", c.Messages, c.MessagesServerSide); err != nil {
		t.Fatal(err)
	}
	return c
}

func messages(t *testing.T, c *cases.Case, serverSide bool) string {
	t.Helper()
	set, err := safediff.Compare(context.Background(),
		safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, c.Options(serverSide))
	if err != nil {
		t.Fatal(err)
	}
	return cases.Messages(&set)
}

// nonsense returns a rule that finds the same, and says something else.
func nonsense(r rule.Rule) rule.Rule {
	const text = "colourless green ideas sleep furiously"
	switch read, when, find := r.Read, r.When, r.Find; {
	case read != nil:
		r.Read = func(c *change.Change) rule.Found {
			found := read(c)
			if found.Message != "" {
				found.Message = text
			}
			return found
		}
	case when != nil:
		r.When = func(c *change.Change) (string, []fieldpath.Path, bool) {
			_, paths, fires := when(c)
			return text, paths, fires
		}
	case find != nil:
		r.Find = func(u *upgrade.Upgrade) []rule.Found {
			list := find(u)
			for i := range list {
				list[i].Message = text
			}
			return list
		}
	}
	return r
}
