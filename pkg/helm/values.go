package helm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/strvals"
)

// readValues merges values files and --set flags in the order in which Helm does
// (MergeValues in pkg/cli/values/options.go). It does so itself because both
// sides may want the same stdin, and to say which file or flag is wrong. An
// error quotes nothing of what stands there.
func (c *Client) readValues(ctx context.Context, opts values.Options) (map[string]any, error) {
	providers := getter.All(c.Settings)
	base := map[string]any{}
	for _, file := range opts.ValueFiles {
		read, err := c.readValuesFile(ctx, file, providers)
		if err != nil {
			return nil, fmt.Errorf("read values file %q: %w", file, err)
		}
		base = mergeValues(base, read)
	}
	for _, text := range opts.JSONValues {
		if err := setJSON(text, base); err != nil {
			return nil, withHint(fmt.Errorf("read --set-json: %w", &cleaned{"this is no JSON", err}), "write key=json")
		}
	}
	contentOf := func(path []rune) (any, error) {
		content, err := c.readFile(string(path), providers)
		return string(content), err
	}
	for _, set := range []struct {
		flag  string
		texts []string
		parse func(text string, dest map[string]any) error
	}{
		{"--set", opts.Values, strvals.ParseInto},
		{"--set-string", opts.StringValues, strvals.ParseIntoString},
		{"--set-file", opts.FileValues, func(text string, dest map[string]any) error {
			return strvals.ParseIntoFile(text, dest, contentOf)
		}},
		{"--set-literal", opts.LiteralValues, strvals.ParseLiteralInto},
	} {
		for _, text := range set.texts {
			if err := set.parse(text, base); err != nil {
				return nil, setError(set.flag, err)
			}
		}
	}
	return base, nil
}

func (c *Client) readValuesFile(ctx context.Context, file string, providers getter.Providers) (map[string]any, error) {
	text, err := c.readFile(file, providers)
	if err != nil {
		return nil, err
	}
	read, err := c.engine(ctx).values(text)
	if err != nil {
		return nil, clean(err)
	}
	return read, nil
}

// readFile reads a file, a URL that Helm or one of its plugins can get, or stdin. It reads
// each once: what a shell puts in the place of <(command) can be read once only, and a server
// may answer something else the second time.
func (c *Client) readFile(path string, providers getter.Providers) ([]byte, error) {
	if strings.TrimSpace(path) == "-" && c.ReadStdin != nil {
		return c.ReadStdin()
	}
	c.reading.Lock()
	read := c.files[path]
	if read == nil {
		read = sync.OnceValues(func() ([]byte, error) { return fetchFile(path, providers) })
		if c.files == nil {
			c.files = map[string]func() ([]byte, error){}
		}
		c.files[path] = read
	}
	c.reading.Unlock()
	return read()
}

func fetchFile(path string, providers getter.Providers) ([]byte, error) {
	if u, err := url.Parse(path); err == nil {
		if get, err := providers.ByScheme(u.Scheme); err == nil {
			content, err := get.Get(path, getter.WithURL(path))
			if err != nil {
				return nil, clean(err)
			}
			return content.Bytes(), nil
		}
	}
	return os.ReadFile(path)
}

// setJSON merges key=json into dest, or a whole JSON object, as Helm 4 does.
func setJSON(text string, dest map[string]any) error {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return strvals.ParseJSON(text, dest)
	}
	var read map[string]any
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		return err
	}
	maps.Copy(dest, mergeValues(dest, read))
	return nil
}

func setError(flag string, err error) error {
	if path := pathError(err); path != nil {
		return fmt.Errorf("read %s: %w", flag, path)
	}
	reason := quotedText.ReplaceAllString(err.Error(), "(left out)")
	return withHint(fmt.Errorf("read %s: %w", flag, &cleaned{reason, err}), `write key=value; a comma inside a value is written \,`)
}

// mergeValues returns a with b on top: maps are merged, anything else is
// replaced.
func mergeValues(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	for key, value := range b {
		below, isMap := out[key].(map[string]any)
		if above, ok := value.(map[string]any); ok && isMap {
			out[key] = mergeValues(below, above)
			continue
		}
		out[key] = value
	}
	return out
}

func pathError(err error) *fs.PathError {
	var path *fs.PathError
	errors.As(err, &path)
	return path
}
