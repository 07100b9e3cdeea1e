package data

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// InjectionRules are about files that an injector puts into pods.
func InjectionRules() []rule.Rule {
	return []rule.Rule{{
		ID: "injected-file-missing", Risk: change.Stuck,
		Why: "the Vault agent writes only the files that the annotations of a pod ask for (agent-inject/agent/annotations.go in github.com/hashicorp/vault-k8s); " +
			"a program that reads one at its start finds nothing there",
		Fix:  "keep the annotations until no container names the file, or mount a Secret at its path first",
		Find: injectedFilesMissing,
	}}
}

// vaultInjector is what the annotations of a pod begin with that tell the Vault agent which
// files to write (https://developer.hashicorp.com/vault/docs/deploy/kubernetes/injector/annotations).
const vaultInjector = "vault.hashicorp.com/"

// injectedFilesMissing finds containers that name a file which the Vault agent wrote until now,
// and no longer writes.
func injectedFilesMissing(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update, change.Recreate) || o.Idle() || o.Change.Before() == nil || !o.Change.Before().MayHold(vaultInjector) || len(rule.Edits(o.Change, "annotations")) == 0 ||
			o.Ref().Kind == "Pod" && o.Does(change.Update) { // injectors act on pods that are created
			continue
		}
		pods := volumesOf(u, o.New)
		if pods == nil {
			continue
		}
		before, after := injectedInto(u, o.Change.Before()), injectedInto(u, o.New)
		for k := range pods.containers {
			container := &pods.containers[k]
			files := lostFiles(before, after, container)
			if len(files) == 0 {
				continue
			}
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("container %s reads %s, which the Vault agent no longer writes", container.name, rule.Shortened(files)),
				Paths:    rule.Edits(o.Change, "annotations"),
				Evidence: []change.Evidence{{What: "files that the Vault agent no longer writes", Objects: []manifest.Ref{o.Ref()}, Names: append([]string{container.name}, files...)}},
			})
		}
	}
	return found
}

// lostFiles lists the files that a container of the new pods names, that the Vault agent wrote
// for it until now, and that neither the agent nor a volume gives it from now on.
func lostFiles(before, after injected, container *containerMounts) []string {
	stay := after.files(container.name)
	return slices.DeleteFunc(before.files(container.name), func(file string) bool {
		volume, _ := container.at(file)
		return volume != nil || !namesFile(container.told, file) || slices.Contains(stay, file) || after.unknown()
	})
}

// injected are the annotations by which an injector gives pods something.
type injected map[string]any

func injectedInto(u *upgrade.Upgrade, o *manifest.Object) injected {
	template, _ := u.Rollout.PodTemplate(o.Ref.Group, o.Ref.Kind)
	return untyped.Map(upgrade.Value(o), append(slices.Clone(template), "metadata", "annotations")...)
}

// vault returns an annotation for the Vault agent; "" if there is none.
func (in injected) vault(name string) string {
	text, _ := in[vaultInjector+name].(string)
	return text
}

// vaultOf is vault for one secret: its own annotation, or else that of all.
func (in injected) vaultOf(secret, name string) string {
	if _, own := in[vaultInjector+name+"-"+secret].(string); own {
		return in.vault(name + "-" + secret)
	}
	return in.vault(name)
}

// unknown reports whether a ConfigMap says which files the Vault agent writes.
func (in injected) unknown() bool {
	return isOn(in.vault("agent-inject")) && in.vault("agent-configmap") != ""
}

// files lists the files that the Vault agent writes for a container, sorted, as
// agent-inject/agent/annotations.go in github.com/hashicorp/vault-k8s reads the annotations.
func (in injected) files(container string) []string {
	only := in.vault("agent-inject-containers")
	if !isOn(in.vault("agent-inject")) || only != "" && !slices.Contains(strings.Split(only, ","), container) {
		return nil
	}
	var files []string
	add := func(folder, file string) {
		files = append(files, path.Join("/", cmp.Or(folder, "/vault/secrets"), file))
	}
	if isOn(in.vault("agent-inject-token")) {
		add(in.vault("secret-volume-path"), "token")
	}
	for _, name := range manifest.Fields(in) {
		secret := vaultSecret(name)
		if value, _ := in[name].(string); secret == "" || strings.TrimSpace(value) == "" {
			continue
		}
		file := strings.ToLower(secret)
		if isOn(in.vaultOf(secret, "preserve-secret-case")) {
			file = secret
		}
		add(in.vaultOf(secret, "secret-volume-path"), cmp.Or(in.vault("agent-inject-file-"+secret), file))
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// vaultSecret returns the name of the secret that an annotation has the Vault agent write; ""
// for other annotations.
func vaultSecret(annotation string) string {
	for _, prefix := range []string{"agent-inject-secret-", "agent-inject-template-file-", "agent-inject-template-"} {
		if secret, is := strings.CutPrefix(annotation, vaultInjector+prefix); is {
			return secret
		}
	}
	return ""
}

// isOn reads an annotation that is true or false.
func isOn(text string) bool {
	on, err := strconv.ParseBool(text)
	return err == nil && on
}

// namesFile reports whether a text names a file, and not one of which the name goes on.
func namesFile(text, file string) bool {
	for {
		_, rest, is := strings.Cut(text, file)
		if !is {
			return false
		}
		if rest == "" || !strings.ContainsRune("-._", rune(rest[0])) && !unicode.IsLetter(rune(rest[0])) && !unicode.IsDigit(rune(rest[0])) {
			return true
		}
		text = rest
	}
}
