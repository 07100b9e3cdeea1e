package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Unmerged returns the rules about manifests that cannot be merged into what is there. They
// come before the other rules about refusals, which do not know why.
func Unmerged() []rule.Rule {
	return []rule.Rule{{
		ID: "merge-refused", Risk: change.Rejected,
		Why:  "Helm merges the entries of such lists by one field; if two entries have the same value in it, the merge fails or produces an object that the API server rejects",
		Fix:  "give each entry of the list its own value in that field; if the installed manifest has duplicates, delete the object before the upgrade",
		Find: unmerged,
	}}
}

// UnappliedRules are about manifests that are accepted and not stored as they are.
func UnappliedRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "entry-lost-in-merge", Risk: change.Unapplied,
			Why:  "Helm merges the entries of such lists by one field; the merge treats two entries with the same value in it as one, without an error",
			Fix:  "give each entry of the list its own value in that field; server-side apply keeps ports of one number and two protocols (Helm 4; try --server-side=true)",
			Find: lostBy(func(l *change.Unstored) bool { return l.By != "" && !l.Alike && !alone(l) }),
		},
		{
			ID: "field-not-stored", Risk: change.Unapplied,
			Why:  "the upgrade succeeds, but the object in the cluster does not get what the manifest says",
			Fix:  "leave the field out of the manifest, or set a value that neither the API server nor a MutatingAdmissionPolicy changes",
			Find: lostBy(func(l *change.Unstored) bool { return l.By == "" || alone(l) }),
		},
		{
			ID: "field-stays", Risk: change.Unapplied,
			Why:  "the field is removed from the manifest but stays in the object: the API server stores it in two places, or does not allow its removal",
			Fix:  "set the field to what it should be, or delete the object before the upgrade",
			Find: staying,
		},
		{
			ID: "field-unknown", Risk: change.Unapplied,
			Why:  "the API server does not know the field and drops it; most often it is misspelt or wrongly indented",
			Fix:  "correct the name or the place of the field; kubectl explain lists the fields",
			Find: unknownFields,
		},
	}
}

// alone reports whether an entry has its key alone in both manifests, and in the cluster: what is not
// stored of it, no merge has lost. The API server drops a nodePort, for one, as the type of the
// Service changes (dropTypeDependentFields in k8s.io/kubernetes/pkg/registry/core/service).
func alone(l *change.Unstored) bool {
	return l.By != "" && l.Said <= 1 && l.Says == 1 && l.Holds == 1 && !l.Alike
}

// lostBy tells what objects lose on the way into the cluster, as far as it is one of these.
func lostBy(is func(*change.Unstored) bool) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for i := range u.Objects {
			o := &u.Objects[i]
			if o.Change == nil || len(o.Change.Outcome.Refused) > 0 {
				continue
			}
			for k := range o.Unstored {
				if lost := &o.Unstored[k]; is(lost) && !nullBefore(o.Old, lost) {
					found = append(found, rule.Found{On: o, Message: lostAs(lost), Paths: []fieldpath.Path{lost.Path}, Evidence: lossOf(o.Ref(), lost)})
				}
			}
		}
		return found
	}
}

// nullBefore reports whether a field that is null was so in the installed manifest, too: it is null
// in every upgrade, and nobody misses it.
func nullBefore(old *manifest.Object, lost *change.Unstored) bool {
	if !lost.Null {
		return false
	}
	last := len(lost.Path) - 1
	holder := upgrade.Value(old)
	for _, step := range lost.Path[:last] {
		holder = untyped.Map(holder, step.Field)
	}
	was, said := holder[lost.Path[last].Field]
	return said && was == nil
}

// staying tells fields that leave the manifest and not the cluster.
func staying(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Change == nil || len(o.Change.Outcome.Refused) > 0 {
			continue
		}
		for _, path := range o.Stays {
			found = append(found, rule.Found{On: o, Message: fmt.Sprintf("the manifest no longer has %s; the cluster keeps it", path), Paths: []fieldpath.Path{path},
				Evidence: []change.Evidence{{What: "stays", Objects: []manifest.Ref{o.Ref()}, Names: []string{path.String()}}}})
		}
	}
	return found
}

// lossOf is what makes it true that something is lost.
func lossOf(ref manifest.Ref, lost *change.Unstored) []change.Evidence {
	at := lost.Path.String()
	if lost.By != "" {
		at += "[" + lost.By + "=" + lost.Key + "]"
	}
	return []change.Evidence{
		{What: "not stored", Objects: []manifest.Ref{ref}, Names: append([]string{at}, lost.Lost...)},
		{What: "entries in the manifest", Count: lost.Says},
		{What: "entries in the cluster", Count: lost.Holds},
	}
}

// lostAs says what is lost, and how.
func lostAs(lost *change.Unstored) string {
	switch in := entryOf(lost, "is"); {
	case lost.Null:
		return fmt.Sprintf("%s is null in the manifest; the merge leaves no such key in the cluster", lost.Path)
	case lost.By == "":
		return fmt.Sprintf("the cluster does not store what the manifest says in %s", lost.Path)
	case alone(lost) && len(lost.Lost) > 0:
		return fmt.Sprintf("%s; the API server does not store %s of it", in, strings.Join(lost.Lost, " and "))
	case alone(lost):
		return in + "; the API server does not store it as the manifest has it" + instead(lost)
	case lost.Says > 1:
		return fmt.Sprintf("%s %s; the merge %s", in, times(lost.Says), keeps(lost))
	case lost.Holds > 1:
		return fmt.Sprintf("%s once; the cluster still has it %s", in, times(lost.Holds))
	case lost.Said > 1 && lost.Holds == 0:
		return fmt.Sprintf("%s %s; the merge removes %s, also the one that the manifest keeps", entryOf(lost, "was"), times(lost.Said), all(lost.Said))
	case lost.Holds == 0:
		return in + "; the merge does not store it"
	default:
		return in + "; the merge does not store it as the manifest has it" + instead(lost)
	}
}

// keeps says what a merge makes of several entries of one key.
func keeps(lost *change.Unstored) string {
	switch {
	case lost.Holds == 0:
		return "removes " + all(lost.Says)
	case lost.Holds == 1 && lost.All:
		return "makes one entry of " + all(lost.Says) + instead(lost)
	case lost.Holds < lost.Says:
		kept := "one"
		if lost.Holds > 1 {
			kept = strconv.Itoa(lost.Holds)
		}
		if len(lost.Lost) > 0 {
			return "keeps " + kept + " of them, without " + strings.Join(lost.Lost, " and ")
		}
		return "keeps " + kept + " of them"
	default:
		return "does not store them as the manifest has them" + instead(lost)
	}
}

// instead says what the cluster has instead.
func instead(lost *change.Unstored) string {
	if len(lost.Kept) == 0 {
		return ""
	}
	return " (" + strings.Join(lost.Kept, "; ") + ")"
}

// entryOf says which entries are meant, and in which list they are, or were.
func entryOf(lost *change.Unstored, is string) string {
	key := lost.Key
	if _, err := strconv.Atoi(key); err == nil {
		key = "port " + key
	}
	return key + " " + is + " in " + listOf(lost.Path)
}

// listOf names a list, and the container to which it belongs.
func listOf(path fieldpath.Path) string {
	for i := len(path) - 1; i > 0; i-- {
		kind := map[string]string{"containers": "container", "initContainers": "init container", "ephemeralContainers": "ephemeral container"}[path[i-1].Field]
		if keys := path[i].Keys; len(keys) > 0 && kind != "" {
			return fmt.Sprintf("%s of %s %s", path[len(path)-1].Field, kind, keys[0].Value)
		}
	}
	return path[len(path)-1].Field
}

func times(n int) string {
	if n == 2 {
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

func all(n int) string {
	if n == 2 {
		return "both"
	}
	return fmt.Sprintf("all %d", n)
}

// unmerged tells updates that fail since entries of a list share the key by which it is merged.
func unmerged(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Change == nil || o.Change.Op != change.Update || len(o.Change.Outcome.Refused) == 0 {
			continue
		}
		refused := o.Change.Outcome.Refused[0]
		for k := range o.Unstored {
			lost := &o.Unstored[k]
			if lost.By == "" || refused.Itself || max(lost.Says, lost.Said) < 2 {
				continue
			}
			message := lostAs(lost) + ", and the API server refuses the result (" + refused.String() + ")"
			if refused.Unmerged {
				message = duplicateOf(lost) + "; Helm cannot merge that (" + refused.String() + ")"
			}
			found = append(found, rule.Found{On: o, Message: message, Paths: []fieldpath.Path{lost.Path}, Evidence: append(rule.RefusalEvidence(o.Change), lossOf(o.Ref(), lost)...)})
			break
		}
	}
	return found
}

// duplicateOf says where entries of a list share a key, and in which manifest.
func duplicateOf(lost *change.Unstored) string {
	if lost.Says > 1 {
		return entryOf(lost, "is") + " " + times(lost.Says)
	}
	return entryOf(lost, "is") + " of the installed manifest " + times(lost.Said)
}

// unknownFields tells fields that are new in the manifest and that the API server does not know.
func unknownFields(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Change == nil || len(o.Change.Outcome.Refused) > 0 || len(o.Dropped) == 0 {
			continue
		}
		names := make([]string, 0, len(o.Dropped))
		for _, path := range o.Dropped {
			names = append(names, path.String())
		}
		slices.Sort(names)
		found = append(found, rule.Found{On: o, Message: "the API server does not know " + rule.Shortened(names) + " and drops " + rule.Form(len(names), "it", "them"), Paths: o.Dropped,
			Evidence: []change.Evidence{{What: "dropped", Objects: []manifest.Ref{o.Ref()}, Names: names}}})
	}
	return found
}
