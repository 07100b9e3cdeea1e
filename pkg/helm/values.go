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
)

// readValues merges values files and --set flags in the order in which Helm does
// (MergeValues in pkg/cli/values/options.go). It does so itself because both
// sides may want the same stdin, and to say which file or flag is wrong. An
// error quotes nothing of what stands there.
func (c *Client) readValues(ctx context.Context, r *Rendering) (map[string]any, error) {
	opts, base := &r.Values, map[string]any{}
	if r.Object != "" {
		if err := json.Unmarshal([]byte(r.Object), &base); err != nil {
			return nil, fmt.Errorf("read values: %w", &cleaned{"they are no JSON object", err})
		}
	}
	for _, file := range opts.ValueFiles {
		read, err := c.readValuesFile(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("read values file %q: %w", file, err)
		}
		base = mergeValues(base, read)
	}
	for _, given := range setFlags(opts) {
		for _, text := range given.texts {
			if err := c.set(ctx, given.flag, text, base); err != nil {
				return nil, err
			}
		}
	}
	return base, nil
}

// set merges into values what a flag says.
func (c *Client) set(ctx context.Context, flag, text string, into map[string]any) error {
	err := c.engine(ctx).set(flag, text, into, func(path []rune) (any, error) {
		content, err := c.readFile(ctx, string(path))
		return string(content), err
	})
	if err != nil {
		return setError(flag, err)
	}
	return nil
}

// The flags that set values.
const (
	setJSON    = "--set-json"
	setValue   = "--set"
	setString  = "--set-string"
	setFile    = "--set-file"
	setLiteral = "--set-literal"
)

type setFlag struct {
	flag  string
	texts []string
}

// setFlags lists the flags in the order in which both Helms merge them.
func setFlags(opts *values.Options) []setFlag {
	return []setFlag{
		{setJSON, opts.JSONValues}, {setValue, opts.Values}, {setString, opts.StringValues},
		{setFile, opts.FileValues}, {setLiteral, opts.LiteralValues},
	}
}

func (c *Client) readValuesFile(ctx context.Context, file string) (map[string]any, error) {
	text, err := c.readFile(ctx, file)
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
func (c *Client) readFile(ctx context.Context, path string) ([]byte, error) {
	if strings.TrimSpace(path) == "-" && c.ReadStdin != nil {
		return c.ReadStdin()
	}
	c.reading.Lock()
	read := c.files[path]
	if read == nil {
		read = sync.OnceValues(func() ([]byte, error) { return c.fetchFile(ctx, path) })
		if c.files == nil {
			c.files = map[string]func() ([]byte, error){}
		}
		c.files[path] = read
	}
	c.reading.Unlock()
	return read()
}

func (c *Client) fetchFile(ctx context.Context, path string) ([]byte, error) {
	if u, err := url.Parse(path); err == nil && u.Scheme != "" {
		if content, found, err := c.engine(ctx).get(c, u.Scheme, path); found {
			return content, clean(err)
		}
	}
	return os.ReadFile(path)
}

func setError(flag string, err error) error {
	if path := pathError(err); path != nil {
		return fmt.Errorf("read %s: %w", flag, path)
	}
	if flag == setJSON {
		return withHint(fmt.Errorf("read %s: %w", flag, &cleaned{"this is no JSON", err}), "write key=json")
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
