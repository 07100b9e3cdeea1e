package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Names lists objects in a sentence.
func Names(refs []manifest.Ref) string {
	list := make([]string, 0, len(refs))
	for _, ref := range refs {
		list = append(list, ref.String())
	}
	return strings.Join(list, ", ")
}

// Services names Services of one namespace, with what one of them does, or several do.
func Services(services []manifest.Ref, does, do string) string {
	last := len(services) - 1
	if last == 0 {
		return "Service " + services[0].Name + " " + does
	}
	names := make([]string, last)
	for i := range names {
		names[i] = services[i].Name
	}
	return "Services " + strings.Join(names, ", ") + " and " + services[last].Name + " " + do
}

// Shortened lists the first few items in a sentence, and counts the others.
func Shortened(list []string) string {
	const most = 4
	if more := len(list) - most; more > 1 {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// Prefixed joins items behind a word; of too many the first ones.
func Prefixed(word string, items []string, most int) []string {
	if len(items) == 0 {
		return nil
	}
	text := word + strings.Join(items[:min(most, len(items))], ", ")
	if more := len(items) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return []string{text}
}

// SomeOf joins the first reasons, and counts the rest.
func SomeOf(reasons []string) string {
	const shown = 3
	text := strings.Join(reasons[:min(shown, len(reasons))], "; ")
	if more := len(reasons) - shown; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// Pods counts pods in a sentence; a number below 0 is not known.
func Pods(n int) string {
	switch {
	case n < 0:
		return "its pods"
	case n == 1:
		return "1 pod"
	default:
		return fmt.Sprintf("%d pods", n)
	}
}

// Form returns the form of a word that goes with a number of things.
func Form(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// Seconds writes a number of seconds in a sentence.
func Seconds(n int) string {
	const minute = 60
	switch minutes, rest := n/minute, n%minute; {
	case n < 2*minute:
		return fmt.Sprintf("%d s", n)
	case rest == 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d min %d s", minutes, rest)
	}
}

// AtLeast says how long something lasts at least, behind some words; "" if nothing is known of
// that.
func AtLeast(before string, seconds int) string {
	if seconds <= 0 {
		return ""
	}
	return before + "at least " + Seconds(seconds)
}

// KeepFirst is the remedy where an object goes with a release that has no new chart.
const KeepFirst = "annotate it with helm.sh/resource-policy: keep in the installed release first"

// ForNothing ends a message about pods that are replaced because of what rotates.
const ForNothing = ", because of what rotates"

// How says how a controller goes about it, in brackets.
func How(p *change.Pods) string {
	if p.How == "" {
		return ""
	}
	return " (" + p.How + ")"
}

// Rotates reports whether all the fields are there on both sides and differ for nothing
// but that the chart gives them a different value each time.
func Rotates(c *change.Change, fields []fieldpath.Path) bool {
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(field fieldpath.Path) bool {
		rotates := false
		for i := range c.Edits {
			e := &c.Edits[i]
			if !e.Path.Overlaps(field) {
				continue
			}
			if !e.Rotates || !e.Old.Present() || !e.New.Present() {
				return true
			}
			rotates = true
		}
		return !rotates
	})
}

// Always is the Hangs of a rule that fires only where something does not come to an end.
func Always(*change.Change) bool { return true }

// WantsPods reports whether somebody waits for pods of the change: those of a CronJob come later.
func WantsPods(c *change.Change) bool {
	return c.Outcome.PodSpec != nil && c.Ref.Kind != "CronJob"
}

// AwaitsPods reports whether Helm, if it waits, waits for pods that the change creates, or that
// something keeps from being created. It waits for no pods of a CronJob.
func AwaitsPods(c *change.Change) bool {
	return WantsPods(c) && (MakesPods(c) || c.Outcome.Pods != nil && c.Outcome.Pods.Blocked())
}

// MakesPods reports whether the change makes new pods. A hook makes some each time that it runs.
func MakesPods(c *change.Change) bool {
	p := c.Outcome.Pods
	return c.Hook != nil && c.Hook.Runs || c.Outcome.PodSpec != nil && (p == nil || p.Replaced || c.Op == change.Create || c.Op == change.Recreate || p.Desired > p.Before)
}
