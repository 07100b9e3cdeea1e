package mutation

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// Slow is how long one judgement may take, whatever the upgrade holds.
const Slow = 20 * time.Second

// Checker checks what must hold of every judgement.
type Checker struct {
	// beside is what is said of the bystanders, by Kubernetes version and way of
	// applying: by themselves, and beside something that is rejected.
	beside map[string][]string
	// Unreadable tells why upgrades are no objects to Helm either, one reason each.
	Unreadable []string
}

// NewChecker returns a checker.
func NewChecker() *Checker { return &Checker{beside: map[string][]string{}} }

// Check judges an upgrade in all ways and returns what does not hold of it.
func (k *Checker) Check(u *Upgrade) (err error) {
	watch := time.AfterFunc(6*Slow, func() { panic(u.Name + " hangs") })
	defer watch.Stop()
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v", fault)
		}
	}()
	begun := time.Now()
	set, err := compare(u.Old, u.New, u)
	took := time.Since(begun)
	var syntax *manifest.SyntaxError
	switch {
	case errors.As(err, &syntax):
		k.Unreadable = append(k.Unreadable, syntax.Reason)
		return nil
	case err != nil:
		return err
	}
	errs := []error{unbroken(&set), complete(u, &set)}
	if took > Slow {
		errs = append(errs, fmt.Errorf("it took %s", took))
	}
	first, err := printed(&set)
	errs = append(errs, err)
	again, err := compare(u.Old, u.New, u)
	if err != nil {
		return err
	}
	second, err := printed(&again)
	if errs = append(errs, err); first != second {
		errs = append(errs, fmt.Errorf("two runs print different reports: %s", difference(first, second)))
	}
	return errors.Join(append(errs, silent(u), k.apart(u))...)
}

func compare(old, updated string, u *Upgrade) (change.Set, error) {
	return safediff.Compare(context.Background(), safediff.Manifest{Name: "old.yaml", Text: old}, safediff.Manifest{Name: "new.yaml", Text: updated}, u.options())
}

// unbroken fails if something that judges has panicked, which is told as a notice.
func unbroken(set *change.Set) error {
	var errs []error
	for _, n := range set.Unchecked {
		if strings.Contains(n.Reason, "internal error") {
			errs = append(errs, fmt.Errorf("%s: %s", n.Ref, n.Reason))
		}
	}
	return errors.Join(errs...)
}

// complete fails if an object of either side is neither judged nor counted.
func complete(u *Upgrade, set *change.Set) error {
	all := map[manifest.Identity]bool{}
	for _, stream := range []string{u.Old, u.New} {
		objects, err := manifest.Parse(stream, manifest.Options{File: "it", Namespace: u.Options.Namespace})
		if err != nil {
			return err
		}
		for _, o := range objects {
			id := o.Ref.Identity()
			id.Namespace = "" // which kinds have none only the judgement knows
			if id.Name != "" {
				all[id] = true
			}
		}
	}
	told := map[manifest.Identity]bool{}
	for i := range set.Changes {
		id := set.Changes[i].Ref.Identity()
		id.Namespace = ""
		told[id] = true
	}
	for i := range set.Drift {
		id := set.Drift[i].Ref.Identity()
		id.Namespace = ""
		told[id] = true
	}
	missing := 0
	for id := range all {
		if !told[id] {
			missing++
		}
	}
	if missing > set.Same {
		return fmt.Errorf("%d of %d objects are not told, and %d are said to stay the same", missing, len(all), set.Same)
	}
	return nil
}

// silent fails if an upgrade to what is installed is said to change something. What
// Helm makes anew each time is left out, and so is what somebody has changed in the cluster.
func silent(u *Upgrade) error {
	same := Upgrade{Options: u.Options}
	same.Options.Versions = nil // a chart that is published again is a finding
	same.Options.Dead = nil     // so is a value that the new chart does not read, whatever is in the manifests
	set, err := compare(u.New, u.New, &same)
	if err != nil {
		return err
	}
	var errs []error
	for i := range set.Changes {
		c := &set.Changes[i]
		if same.Options.Replace && len(c.Edits) == 0 && c.Outcome.Changed && c.Outcome.Pods != nil && c.Outcome.Pods.Before != c.Outcome.Pods.Desired {
			continue // --force scales what an autoscaler keeps at more pods to what the manifest says
		}
		if same.Options.ServerSide && len(c.Edits) == 0 && c.Outcome.Changed && strings.Contains(u.New, "MutatingAdmissionPolicy") {
			continue // server-side apply sends what does not change, and a policy of the release may change it
		}
		if c.Hook == nil && (len(c.Edits) > 0 || len(c.Findings) > 0 && len(c.Outcome.Refused) == 0) {
			errs = append(errs, fmt.Errorf("nothing changes, and %s is told: %d edits, %v", c.Ref, len(c.Edits), c.Risks()))
		}
	}
	return errors.Join(errs...)
}

// printed prints a set in every format.
func printed(set *change.Set) (string, error) {
	var all bytes.Buffer
	var errs []error
	own := template.Must(template.New("").Parse("{{range .changes}}{{.name}} {{end}}\n"))
	for _, format := range report.Formats() {
		var b bytes.Buffer
		if err := report.Write(&b, format.Name, set, report.Options{Template: own}); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", format.Name, err))
		}
		errs = append(errs, wellFormed(format.Name, b.Bytes()))
		all.Write(b.Bytes())
	}
	return all.String(), errors.Join(errs...)
}

// difference returns the first line of two texts that differs.
func difference(first, second string) string {
	a, b := strings.Split(first, "\n"), strings.Split(second, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%q and %q", a[i], b[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(a), len(b))
}

// wellFormed fails if a report is none in its format.
func wellFormed(format string, text []byte) error {
	if !utf8.Valid(text) {
		return errors.New(format + ": not UTF-8")
	}
	var err error
	switch format {
	case "json", "sarif", "gitlab":
		var value any
		err = json.Unmarshal(text, &value)
	case "yaml":
		var value any
		err = yaml.Unmarshal(text, &value)
	case "junit":
		for decoder := xml.NewDecoder(bytes.NewReader(text)); err == nil; {
			_, err = decoder.Token()
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", format, err)
	}
	return nil
}

// apart fails if something else is said of the bystanders than without the upgrade.
func (k *Checker) apart(u *Upgrade) error {
	if reaches(u) {
		return nil
	}
	key := fmt.Sprintf("%s %t %t %s", u.Options.KubeVersion, u.Options.ServerSide, u.Options.Replace, u.Options.Operation)
	if k.beside[key] == nil {
		for _, stop := range stops() {
			set, err := compare(oldBystanders, newBystanders+stop, &Upgrade{Options: u.Options})
			if err != nil {
				return err
			}
			k.beside[key] = append(k.beside[key], ofBystanders(&set))
		}
	}
	set, err := compare(oldBystanders+"---\n"+u.Old, newBystanders+"---\n"+u.New, u)
	if err != nil {
		return err
	}
	if said := ofBystanders(&set); !slices.Contains(k.beside[key], said) {
		return fmt.Errorf("something else is said of objects that have nothing to do with it:\n%s\ninstead of\n%s", said, k.beside[key][0])
	}
	return nil
}

// reaches reports whether an upgrade has kinds that may have a say in other namespaces.
func reaches(u *Upgrade) bool {
	for _, stream := range []string{u.Old, u.New, u.Cluster} {
		for _, word := range []string{"kind: Namespace", `"Namespace"`, bystanders, "webhooks", "Policy", "StorageClass", "PersistentVolume", "CustomResourceDefinition"} {
			if strings.Contains(stream, word) {
				return true
			}
		}
	}
	return false
}

// ofBystanders writes down what is said of the bystanders.
func ofBystanders(set *change.Set) string {
	said := map[string]bool{}
	for i := range set.Changes {
		c := &set.Changes[i]
		if c.Ref.Namespace != bystanders {
			continue
		}
		parts := make([]string, 0, 1+len(c.Findings)+len(c.Outcome.Refused))
		parts = append(parts, fmt.Sprintf("%s %s %t", c.Ref, c.Op, c.Outcome.Unreached))
		for _, f := range c.Findings {
			parts = append(parts, fmt.Sprintf("%s %s %s", f.Risk, f.Rule, f.Message))
		}
		for _, e := range c.Outcome.Refused {
			parts = append(parts, e.String())
		}
		said[strings.Join(parts, "; ")] = true
	}
	for _, n := range set.Unchecked {
		if n.Ref.Namespace == bystanders {
			said[fmt.Sprintf("%s unchecked: %s", n.Ref, n.Reason)] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(said)), "\n")
}
