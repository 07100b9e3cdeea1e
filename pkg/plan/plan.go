// Package plan holds an upgrade as it was approved: what was judged, the inputs of the
// judgement, and the fingerprints that distinguish it from an upgrade that is about to be
// made. It reads no file, cluster or clock.
//
// A plan contains no secret. It contains one digest of all Secret data. This digest takes
// long to compute, so that nobody can guess short secrets from it.
package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// version is the version of the format. It changes when a reader of the old format would
// misread the new one. This includes the encoding of Set.
const version = "2"

// Plan is an approved upgrade.
type Plan struct {
	Version string `json:"planVersion"`
	Fingerprint
	Manifest Manifest `json:"manifest"`
	// FailOn is what made the run fail.
	FailOn change.FailOn `json:"failOn"`
	// Set is what was judged, in an internal encoding. `show --output json` turns it into the
	// documented report.
	Set change.Set `json:"set"`
}

// Fingerprint is what a judgement depends on, besides the new manifest.
type Fingerprint struct {
	Release   string `json:"release"`
	Namespace string `json:"namespace"`
	// Revision is the installed revision, 0 for none. Failed is the last revision if that
	// failed.
	Revision int `json:"revision"`
	Failed   int `json:"failed,omitempty"`
	// Back is the revision to which a rollback goes back, 0 for an upgrade.
	Back int `json:"back,omitempty"`
	// Chart is the new chart, as NAME-VERSION.
	Chart string `json:"chart"`
	// NoHooks says that hooks are left out, IncludeCRDs that crds directories are included.
	NoHooks     bool `json:"noHooks,omitempty"`
	IncludeCRDs bool `json:"includeCRDs,omitempty"`
	// Cluster is the UID of the namespace kube-system, "" if it is not known.
	Cluster string `json:"cluster"`
	// Offline says that the cluster was not asked about the objects of the release, so that
	// the drift is unknown.
	Offline bool `json:"offline"`
	// Installed and Values are digests of the installed manifest and of the values that the
	// user gives. Policy is the digest of the team's policy.
	Installed string `json:"installed"`
	Values    string `json:"values"`
	Policy    string `json:"policy"`
}

// Input is the input of a plan. Text goes into digests only.
type Input struct {
	Set    change.Set
	FailOn change.FailOn
	// Old and New are the two manifests. CRDs are the definitions in the crds directories of
	// the new chart.
	Old, New, CRDs       string
	NoHooks, IncludeCRDs bool
	Failed               int
	Offline              bool
	Values               map[string]any
	Cluster              string
	// Policy is everything that makes up the policy.
	Policy string
}

// New makes a plan. It returns an error if a manifest cannot be read.
func New(in Input) (*Plan, error) {
	r := &in.Set.Release
	p := &Plan{Version: version, FailOn: in.FailOn, Set: in.Set, Fingerprint: Fingerprint{
		Release: r.Name, Namespace: r.Namespace, Revision: r.Revision, Failed: in.Failed, Back: r.NewRevision, Chart: r.NewChart, Cluster: in.Cluster,
		NoHooks: in.NoHooks, IncludeCRDs: in.IncludeCRDs, Offline: in.Offline,
	}}
	values, err := json.Marshal(in.Values)
	if err != nil {
		return nil, fmt.Errorf("read values: %w", err)
	}
	p.Policy = quick([]byte(in.Policy))
	p.Values = p.slow("values", string(values))
	p.Installed = p.slow("installed", in.Old)
	crds, err := manifest.Parse(in.CRDs, manifest.Options{File: "crds"})
	if err != nil {
		return nil, err
	}
	p.Manifest, err = p.ManifestOf(in.New, crds, in.Set.Rotating)
	return p, err
}

// InstalledAs reports whether a manifest is the one that was installed.
func (p *Plan) InstalledAs(text string) bool { return p.slow("installed", text) == p.Installed }

// Encode returns the plan as the text of a file.
func (p *Plan) Encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(p)
	return safetext.JSON(b.Bytes()), err
}

// Decode reads the text of a file that Encode has written.
func Decode(text []byte) (*Plan, error) {
	var head struct {
		Version string `json:"planVersion"`
	}
	if json.Unmarshal(text, &head) != nil || head.Version == "" {
		return nil, errors.New("it is no plan: make one with `upgrade --out FILE`")
	}
	if head.Version != version {
		return nil, fmt.Errorf("it has version %q of the format, with different classes and verdicts, and this program reads version %q: make the plan again with `upgrade --out FILE`", head.Version, version)
	}
	p := new(Plan)
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	if err := p.complete(text); err != nil {
		return nil, fmt.Errorf("it is damaged, make it again: %w", err)
	}
	return p, nil
}
