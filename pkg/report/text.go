package report

import (
	"io"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

func writeText(w io.Writer, set *change.Set, opt Options) error {
	_, err := io.WriteString(w, string(set.Verdict(opt.FailOn))+"\n")
	return err
}
