package cireport

import (
	"cmp"
	"io"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/document"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/textreport"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// gitlabIssue is one entry of GitLab's Code Quality report
// (docs.gitlab.com/ci/testing/code_quality, "Code quality report format").
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string `json:"path"`
	Lines struct {
		Begin int `json:"begin"`
	} `json:"lines"`
}

// WriteGitLab prints each finding as an issue. GitLab requires a path for each issue. If no
// file is known, the path is the name of the object.
func WriteGitLab(w io.Writer, set *change.Set, opt Options) error {
	issues := reporting.Each(placed(set, opt), func(f *finding) gitlabIssue {
		issue := gitlabIssue{
			Description: f.sentence(), CheckName: f.Rule, Fingerprint: f.fingerprint(), Severity: severity(f),
		}
		if len(f.cause.texts) > 0 {
			issue.Description += "; because: " + strings.Join(f.cause.texts, "; ")
		}
		if f.accepted != nil {
			issue.Description += "; " + textreport.Accepted(f.accepted)
		}
		issue.Location.Path = cmp.Or(f.single().file, safetext.RepositoryPath(reporting.Printable(f.object())), "helm-safe-diff")
		issue.Location.Lines.Begin = f.single().line
		return issue
	})
	issues = append(gitlabErrors(opt.failures), issues...)
	return document.EncodeJSON(w, issues)
}

// severity translates a class to GitLab's words. A finding that does not fail the run is
// minor. An accepted finding is info.
func severity(f *finding) string {
	switch {
	case f.accepted != nil:
		return "info"
	case !f.fails:
		return "minor"
	case f.Risk == change.Rejected || f.Risk == change.DataLoss:
		return "blocker"
	case f.Risk.Compare(change.Downtime) <= 0:
		return "critical"
	default:
		return "major"
	}
}
