package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Acceptance says that somebody knows of a finding and wants to continue.
type Acceptance struct {
	Rule string `yaml:"rule"`
	// Object is KIND.GROUP/NAMESPACE/NAME, as ObjectName writes it.
	Object string `yaml:"object"`
	// Release and Environment say where it holds; "" for everywhere.
	Release     string `yaml:"release,omitempty"`
	Environment string `yaml:"environment,omitempty"`
	// Digest is the digest of the finding (change.Change.Digest): the acceptance covers
	// exactly this change.
	Digest string `yaml:"digest"`
	Reason string `yaml:"reason"`
	By     string `yaml:"by"`
	// Until is the last day on which it holds, as 2027-01-31.
	Until string `yaml:"until"`
	At    string `yaml:"-"`
}

// ObjectName names an object as acceptances do.
func ObjectName(ref manifest.Ref) string {
	kind := ref.Kind
	if ref.Group != "" {
		kind += "." + ref.Group
	}
	if ref.Namespace != "" {
		kind += "/" + ref.Namespace
	}
	return kind + "/" + ref.Name
}

// acceptedVersion is the version of the format. It changes when findings that were accepted
// before are no longer the same.
const acceptedVersion = "2"

// ReadAccepted reads a file of acceptances. The error lists every mistake. For a file of an
// earlier version, it says only that.
func ReadAccepted(name, text string) ([]Acceptance, error) {
	r := reader{file: name}
	var list []Acceptance
	version := "1"
	n := r.document(text)
	if n == nil {
		return nil, r.err()
	}
	r.fields(n, "the file",
		field{"version", r.into(&version, "version")},
		field{"accepted", func(n *yaml.Node) {
			r.list(n, func(item *yaml.Node) { list = append(list, r.acceptance(item)) })
		}})
	if version != acceptedVersion && n.Kind == yaml.MappingNode {
		return nil, fmt.Errorf("%s: it has version %q of the format, in which findings have different classes, and this program reads version %q: "+
			"delete the file, and accept again what still holds (`helm safe-diff accept`)", name, version, acceptedVersion)
	}
	return list, r.err()
}

func (r *reader) acceptance(n *yaml.Node) Acceptance {
	a := Acceptance{At: r.at(n)}
	places := []struct {
		name  string
		place *string
		may   bool
	}{
		{"rule", &a.Rule, false},
		{"object", &a.Object, false},
		{"release", &a.Release, true},
		{"environment", &a.Environment, true},
		{"digest", &a.Digest, false},
		{"reason", &a.Reason, false},
		{"by", &a.By, false},
		{"until", &a.Until, false},
	}
	fields := make([]field, len(places))
	for i, p := range places {
		fields[i] = field{p.name, r.into(p.place, p.name)}
	}
	r.fields(n, "accepted", fields...)
	if n.Kind != yaml.MappingNode {
		return a
	}
	var missing []string
	for _, p := range places {
		if *p.place == "" && !p.may {
			missing = append(missing, strconv.Quote(p.name))
		}
	}
	if len(missing) > 0 {
		r.fail(n, "an acceptance is missing %s", strings.Join(missing, ", "))
	}
	if _, err := time.Parse(time.DateOnly, a.Until); err != nil && a.Until != "" {
		r.fail(n, "until is a day such as 2027-01-31, not %q", a.Until)
	}
	return a
}

// Same reports whether two acceptances say the same, wherever they are.
func (a Acceptance) Same(b *Acceptance) bool {
	a.At = b.At
	return a == *b
}

// AddAccepted returns the text of a file of acceptances with more of them at its end.
func AddAccepted(name, text string, more []Acceptance) (string, error) {
	before, err := ReadAccepted(name, text)
	if err != nil {
		return "", err
	}
	added, err := yaml.Marshal(more)
	if err != nil {
		return "", fmt.Errorf("write acceptances: %w", err)
	}
	if strings.TrimSpace(text) == "" {
		text = "version: " + acceptedVersion + "\naccepted:\n"
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	text += string(added)
	after, err := ReadAccepted(name, text)
	if err != nil || len(after) != len(before)+len(more) {
		return "", fmt.Errorf("%s is not written as this program writes it (a list below \"accepted:\" at the end, not indented): add the acceptance by hand:\n%s", name, added)
	}
	return text, nil
}

// about reports whether an acceptance is about a finding, whatever the change is.
func (r *Run) about(a *Acceptance, c *change.Change, rule string) bool {
	return a.here(r.policy.place) && a.Rule == rule && a.Object == ObjectName(c.Ref)
}

// here reports whether an acceptance is for this release.
func (a *Acceptance) here(place Place) bool {
	return (a.Release == "" || a.Release == place.Release) && (a.Environment == "" || a.Environment == place.Environment)
}

// Accept sets aside those findings of a change that somebody has accepted. It runs after
// noise, because an acceptance does not cover what is hidden.
func (r *Run) Accept(c *change.Change) {
	if len(r.policy.Accepted) == 0 {
		return
	}
	var open []change.Finding
	for i := range c.Findings {
		f := &c.Findings[i]
		if a := r.accepted(c, f); a != nil {
			c.Accepted = append(c.Accepted, change.Accepted{Finding: *f, By: a.By, Reason: a.Reason, Until: a.Until})
		} else {
			open = append(open, *f)
		}
	}
	c.Findings = open
}

// accepted returns the acceptance that covers a finding, nil if there is none. If an
// acceptance is about the finding but does not cover it, accepted records why.
func (r *Run) accepted(c *change.Change, f *change.Finding) *Acceptance {
	var covers *Acceptance
	digest := c.Digest(f)
	var lapsed []change.Remark
	for i := range r.policy.Accepted {
		a := &r.policy.Accepted[i]
		switch {
		case !r.about(a, c, f.Rule):
			continue
		case a.Digest != digest:
			lapsed = append(lapsed, change.Remark{At: a.At, What: fmt.Sprintf("what %s accepted about %s (%s) is another change than this one", a.By, a.Object, a.Rule)})
		case a.Until < r.policy.Today:
			lapsed = append(lapsed, change.Remark{At: a.At, What: fmt.Sprintf("what %s accepted about %s (%s) was accepted until %s", a.By, a.Object, a.Rule, a.Until)})
		default:
			covers = a
			r.used[a.At] = true
		}
	}
	if covers == nil {
		for _, remark := range lapsed {
			r.used[remark.At] = true
		}
		r.lapsed = append(r.lapsed, lapsed...)
	}
	return covers
}

// unfit lists the acceptances for this release that match nothing.
func (r *Run) unfit() []change.Remark {
	list := slices.Clone(r.lapsed)
	for i := range r.policy.Accepted {
		a := &r.policy.Accepted[i]
		switch {
		case r.used[a.At] || !a.here(r.policy.place):
		case a.Until < r.policy.Today:
			list = append(list, change.Remark{At: a.At, What: fmt.Sprintf("the acceptance of %s about %s ended on %s; take it out", a.Rule, a.Object, a.Until)})
		default:
			list = append(list, change.Remark{At: a.At, What: fmt.Sprintf("nothing fits the acceptance of %s about %s", a.Rule, a.Object), Idle: true})
		}
	}
	return list
}
