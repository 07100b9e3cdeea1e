package report

import (
	"io"
	"path"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/cireport"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// GivenValues is the input of a report about the values that a user gives.
type GivenValues struct {
	// Title says which values they are.
	Title string
	// Name is the name of the release, or else of the chart. Namespace is that of the release.
	Name, Namespace string
	Keys            *change.ValueKeys
	// Findings are about dead keys, for the formats that show findings at a line.
	Findings []change.Finding
}

// writeFindings prints the dead keys with the code that prints the findings of an upgrade.
func (v *GivenValues) writeFindings(w io.Writer, write func(io.Writer, *change.Set, cireport.Options) error, of Options) error {
	opt := cireport.Options{Options: of, Values: &cireport.Values{Line: v.counted(), Category: path.Join("values", v.Namespace, v.Name)}}
	ref := manifest.Ref{Version: "v1", Kind: "Values", Name: v.Name}
	set := change.Set{Unchecked: reporting.Each(v.Keys.Unsure, func(reason *string) change.Notice { return change.Notice{Reason: *reason} })}
	if len(v.Findings) > 0 {
		set.Changes = []change.Change{{Ref: ref, Op: change.Configure, Findings: v.Findings, New: &manifest.Object{Ref: ref}}}
	}
	return write(w, &set, opt)
}
