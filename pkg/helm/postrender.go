package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/postrender"
	"sigs.k8s.io/yaml"
)

// PostRenderer names a program that changes what a chart rendered: an executable
// (Helm 3) or a plugin of the type postrenderer/v1 (Helm 4).
type PostRenderer struct {
	Name string
	Args []string
}

// postRenderer is a PostRenderer that was found. The nil *postRenderer changes
// nothing.
type postRenderer struct {
	name   string
	path   string
	args   []string
	env    []string
	stderr io.Writer
	// wholeChart says that hooks go through it, too, as in Helm 4. In Helm 3
	// they do not.
	wholeChart bool
}

// findPostRenderer looks a post-renderer up before any work starts. A plugin
// comes first, as a name without a slash is all that Helm 4 accepts.
func (c *Client) findPostRenderer(p PostRenderer) (*postRenderer, error) {
	if p.Name == "" {
		return nil, nil
	}
	found := &postRenderer{name: p.Name, args: p.Args, env: os.Environ(), stderr: c.Stderr}
	if !strings.ContainsAny(p.Name, `/\`) {
		plugin, err := findPlugin(c.Settings.PluginsDirectory, p.Name)
		if err != nil {
			return nil, fmt.Errorf("load post-renderer %q: %w", p.Name, err)
		}
		if plugin != nil {
			found.usePlugin(plugin)
			return found, nil
		}
	}
	path, err := exec.LookPath(p.Name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, withHint(fmt.Errorf("find post-renderer %q: %w", p.Name, err),
			"name an executable, or a Helm 4 plugin of the type postrenderer/v1")
	}
	found.path = path
	return found, nil
}

// runFunc is a function as a post-renderer of Helm 3.
type runFunc func(*bytes.Buffer) (*bytes.Buffer, error)

// Run implements postrender.PostRenderer.
func (f runFunc) Run(in *bytes.Buffer) (*bytes.Buffer, error) { return f(in) }

// helm3 returns p as what Helm 3 runs while it renders, or nil if Helm 3 is to
// run nothing.
func (p *postRenderer) helm3(ctx context.Context) postrender.PostRenderer {
	if p == nil || p.wholeChart {
		return nil
	}
	return runFunc(func(in *bytes.Buffer) (*bytes.Buffer, error) { return p.run(ctx, in) })
}

// run runs the program. What it prints on stderr goes to the user as it is; the
// error does not repeat it.
func (p *postRenderer) run(ctx context.Context, in io.Reader) (*bytes.Buffer, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.env, in, &out, p.stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run post-renderer %q: %w", p.name, err)
	}
	if p.wholeChart && len(bytes.TrimSpace(out.Bytes())) == 0 {
		return nil, fmt.Errorf("run post-renderer %q: it printed nothing", p.name)
	}
	return &out, nil
}

// pluginFile is what we need to know of a Helm 4 plugin.yaml
// (helm.sh/helm/v4/internal/plugin/metadata_v1.go).
type pluginFile struct {
	APIVersion    string `json:"apiVersion"`
	Name          string `json:"name"`
	Type          string `json:"type"`
	Runtime       string `json:"runtime"`
	RuntimeConfig struct {
		PlatformCommand []platformCommand `json:"platformCommand"`
	} `json:"runtimeConfig"`

	dir     string
	command platformCommand
}

type platformCommand struct {
	OS      string   `json:"os"`
	Arch    string   `json:"arch"`
	Command string   `json:"command"`
	Args    []string `json:"args"`
}

// findPlugin returns the post-renderer plugin of that name in one of the plugin
// directories, or nil. Other plugins are none of our business, even broken ones.
func findPlugin(dirs, name string) (*pluginFile, error) {
	for _, dir := range filepath.SplitList(dirs) {
		files, err := filepath.Glob(filepath.Join(dir, "*", "plugin.yaml"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			var p pluginFile
			if yaml.Unmarshal(data, &p) != nil || p.Name != name || p.Type != "postrenderer/v1" {
				continue
			}
			p.dir = filepath.Dir(file)
			return &p, p.choose()
		}
	}
	return nil, nil
}

// choose picks the command for this platform: the more exactly it names the
// platform the better, and the first of equals
// (helm.sh/helm/v4/internal/plugin/subprocess_commands.go).
func (p *pluginFile) choose() error {
	if p.Runtime != "subprocess" {
		return fmt.Errorf("plugins of the runtime %q cannot be run here, only subprocess", p.Runtime)
	}
	best := -1
	for _, c := range p.RuntimeConfig.PlatformCommand {
		fit := -1
		switch {
		case strings.EqualFold(c.OS, runtime.GOOS) && strings.EqualFold(c.Arch, runtime.GOARCH):
			fit = 2
		case strings.EqualFold(c.OS, runtime.GOOS) && c.Arch == "":
			fit = 1
		case c.OS == "" && c.Arch == "":
			fit = 0
		}
		if fit > best {
			best, p.command = fit, c
		}
	}
	if best < 0 || strings.TrimSpace(p.command.Command) == "" {
		return errors.New("its plugin.yaml has no command for this platform")
	}
	return nil
}

// usePlugin makes p run the plugin with the arguments and environment that Helm 4
// gives it (helm.sh/helm/v4/internal/plugin/runtime_subprocess.go).
func (p *postRenderer) usePlugin(plugin *pluginFile) {
	p.wholeChart = true
	p.env = append(p.env, "HELM_PLUGIN_NAME="+plugin.Name, "HELM_PLUGIN_DIR="+plugin.dir)
	expand := func(text string) string {
		return os.Expand(text, func(key string) string {
			switch key {
			case "HELM_PLUGIN_NAME":
				return plugin.Name
			case "HELM_PLUGIN_DIR":
				return plugin.dir
			}
			return os.Getenv(key)
		})
	}
	words := strings.Split(plugin.command.Command, " ")
	p.path = expand(words[0])
	args := slices.Concat(words[1:], plugin.command.Args)
	for i, word := range args {
		args[i] = expand(word)
	}
	p.args = append(args, p.args...)
}
