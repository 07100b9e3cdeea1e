package helm

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/getter"
)

// readValues merges values files and --set flags as Helm does
// (pkg/cli/values/options.go). An error names the file or the flag and quotes
// nothing of what stands there.
func (c *Client) readValues(opts values.Options) (map[string]any, error) {
	merged, err := opts.MergeValues(getter.All(c.Settings))
	if err == nil {
		return merged, nil
	}
	text := err.Error()
	for _, flag := range []string{"--set-json", "--set-string", "--set-file", "--set-literal", "--set"} {
		if !strings.HasPrefix(text, "failed parsing "+flag+" data") {
			continue
		}
		if path := pathError(err); path != nil {
			return nil, fmt.Errorf("read %s: %w", flag, path)
		}
		reason := strings.TrimPrefix(strings.TrimPrefix(text, "failed parsing "+flag+" data"), ": ")
		if flag == "--set-json" {
			reason = "this is no JSON"
		}
		return nil, withHint(fmt.Errorf("read %s: %w", flag, &cleaned{quotedText.ReplaceAllString(reason, "(left out)"), err}),
			`write key=value; a comma inside a value is written \,`)
	}
	for _, file := range opts.ValueFiles {
		if rest, ok := strings.CutPrefix(text, "failed to parse "+file+": "); ok {
			return nil, fmt.Errorf("read values file %q: %w", file, &cleaned{cleanText(rest), err})
		}
	}
	if path := pathError(err); path != nil {
		return nil, fmt.Errorf("read values file %q: %w", path.Path, path)
	}
	return nil, fmt.Errorf("read values files: %w", clean(err))
}

func pathError(err error) *fs.PathError {
	var path *fs.PathError
	errors.As(err, &path)
	return path
}
