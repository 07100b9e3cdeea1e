package helm_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/provenance"
	"helm.sh/helm/v3/pkg/repo"
	cli4 "helm.sh/helm/v4/pkg/cli"
	values4 "helm.sh/helm/v4/pkg/cli/values"
	getter4 "helm.sh/helm/v4/pkg/getter"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// helms are the two, with the variable that names the program (`make test-helm` sets both).
var helms = []struct {
	major int
	env   string
}{{3, "HELM3"}, {4, "HELM4"}}

// valueFlags are flags that set values, on their edges. FILE is a file.
var valueFlags = []string{
	"--set a=1", "--set a=0123", "--set a=1e3", "--set a=true", "--set a=null", "--set a=", "--set a", "--set =1", "--set a=b=c",
	"--set a={1,2,x}", "--set a={}", "--set a={1,2", `--set a=b\,c`, `--set a\.b=c`, "--set a=1,b=2,a=3", "--set a.b.c=1,a.b.d=2",
	"--set a[0]=x,a[2]=y", "--set a[0].b=1,a[1].b=2", "--set a[-1]=x", "--set a[70000]=x", "--set a[0][1]=x", "--set a=1 --set a.b=2",
	"--set list[1]=new", "--set map.x=null", "--set map=null", "--set-string a=1,b=null", "--set-string a={1,2}",
	`--set-json a={"x":[1,null,{"y":2.5}]}`, `--set-json a=1,b=[2]`, `--set-json {"a":1,"map":{"y":2}}`, `--set-json {"a":`, "--set-json a=", "--set-json a={",
	"--set-literal a=b,c={d}", `--set-literal a=\,`, "--set-literal a", "--set-file a=FILE", "--set-file a=FILE,b=FILE", "--set-file a=none", "--set-file a={FILE,FILE}",
	"--set a=set --set-string a=string --set-json a=1 --set-literal a=literal", "--set a=set --set-file a=FILE", "-f FILE --set v=1", "-f FILE,FILE", "-f none",
}

// fromFlags reads flags as `helm template` does.
func fromFlags(t *testing.T, args []string) helm.Template {
	t.Helper()
	out := helm.Template{Release: "shop"}
	s, v := &out.Chart.Source, &out.Values
	flags := pflag.NewFlagSet("template", pflag.ContinueOnError)
	flags.StringVar(&s.RepoURL, "repo", "", "")
	flags.StringVar(&s.Version, "version", "", "")
	flags.StringVar(&s.Username, "username", "", "")
	flags.StringVar(&s.Password, "password", "", "")
	flags.BoolVar(&s.PassCredentialsAll, "pass-credentials", false, "")
	flags.StringVar(&s.CaFile, "ca-file", "", "")
	flags.BoolVar(&s.InsecureSkipTLSverify, "insecure-skip-tls-verify", false, "")
	flags.BoolVar(&s.PlainHTTP, "plain-http", false, "")
	flags.BoolVar(&s.Verify, "verify", false, "")
	flags.StringVar(&s.Keyring, "keyring", "", "")
	flags.BoolVar(&out.Chart.Devel, "devel", false, "")
	flags.BoolVar(&out.Chart.DependencyUpdate, "dependency-update", false, "")
	flags.StringSliceVarP(&v.ValueFiles, "values", "f", nil, "")
	flags.StringArrayVar(&v.Values, "set", nil, "")
	flags.StringArrayVar(&v.StringValues, "set-string", nil, "")
	flags.StringArrayVar(&v.FileValues, "set-file", nil, "")
	flags.StringArrayVar(&v.JSONValues, "set-json", nil, "")
	flags.StringArrayVar(&v.LiteralValues, "set-literal", nil, "")
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	out.Chart.Ref = flags.Arg(0)
	return out
}

// Flags and files make the values that the library of each Helm makes of them.
func TestValuesAsSDKMakesThem(t *testing.T) {
	file := valuesFile(t)
	chart := writeChart(t, "1.0.0", nil)
	for _, text := range valueFlags {
		args := strings.Fields(strings.ReplaceAll(text, "FILE", file))
		template := fromFlags(t, append([]string{chart}, args...))
		template.WithLens = true
		for _, h := range helms {
			t.Run(fmt.Sprint("Helm ", h.major, " ", text), func(t *testing.T) {
				client := newClient(t, "default")
				client.Helm = h.major
				var want map[string]any
				var wantErr error
				if opts := template.Values; h.major == 3 {
					want, wantErr = opts.MergeValues(getter.All(client.Settings))
				} else {
					want, wantErr = (*values4.Options)(&opts).MergeValues(getter4.All(cli4.New()))
				}
				side, err := client.Template(t.Context(), template)
				if (err != nil) != (wantErr != nil) {
					t.Fatalf("error %v, of the library %v", err, wantErr)
				}
				if err != nil {
					return
				}
				if diff := cmp.Diff(want, side.Lens.Values); diff != "" {
					t.Errorf("-library +safe-diff:\n%s", diff)
				}
			})
		}
	}
}

func valuesFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	writeFile(t, file, "v: 0\nlist: [a, b]\nmap: {x: 1}\n---\nw: 1\n", 0o600)
	return file
}

// A chart of the next format is refused under Helm 4, and rendered under Helm 3, also where it is
// read from a repository that nobody trusts.
func TestChartOfTheNextFormat(t *testing.T) {
	chart := writeChart(t, "1.0.0", map[string]string{"Chart.yaml": "apiVersion: v3\nname: web\nversion: 1.0.0\n", "templates/c.yaml": configMap("a: b")})
	for _, within := range []string{"", chart} {
		for _, h := range helms {
			client := newClient(t, "default")
			client.Helm = h.major
			_, err := client.Template(t.Context(), helm.Template{Release: "shop", Chart: helm.Chart{Ref: chart, Within: within}})
			if refused := err != nil && strings.Contains(err.Error(), "invalid chart apiVersion"); refused != (h.major == 4) {
				t.Errorf("Helm %d, within %q: %v", h.major, within, err)
			}
		}
	}
}

// shelf is a place with charts of one name, "web", which all lead to different renderings: a
// folder, archives with signatures, a repository that wants a password, one with a certificate
// that nobody knows, a registry that wants a password, and a plugin that downloads.
type shelf struct {
	dir, keys, otherKeys, ca string
	open, closed, secure     *httptest.Server
	registry, locked         *ociRegistry
}

// user and password open what is closed.
const user, password = "somebody", "hidden"

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{dir: t.TempDir()}
	charts := filepath.Join(s.dir, "charts")
	for _, version := range []string{"1.0.0", "1.1.0", "2.0.0-beta"} {
		writeFile(t, filepath.Join(charts, "web-"+version+".tgz"), string(archived(t, "web", version)), 0o644)
	}
	s.sign(t, charts)
	files := http.FileServer(http.Dir(charts))
	s.open = serve(t, httptest.NewServer(files))
	s.closed = serve(t, httptest.NewServer(asking(files)))
	s.secure = serve(t, httptest.NewTLSServer(files))
	index, err := repo.IndexDirectory(charts, "")
	if err != nil {
		t.Fatal(err)
	}
	index.SortEntries()
	if err := index.WriteFile(filepath.Join(charts, "index.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.ca = filepath.Join(s.dir, "ca.pem")
	writeFile(t, s.ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.secure.Certificate().Raw})), 0o644)

	s.registry, s.locked = newRegistry(t), newRegistry(t)
	kept := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(charts, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	s.registry.signed = func(version string) []byte { return kept("web-" + version + ".tgz.prov") }
	for _, r := range []*ociRegistry{s.registry, s.locked} {
		r.archive = func(name, version string) []byte { return kept(name + "-" + version + ".tgz") }
		r.push(t, "web", "1.0.0", "1.1.0")
	}
	s.locked.Config.Handler = asking(s.locked.Config.Handler)

	writeFile(t, filepath.Join(s.dir, "web", "Chart.yaml"), "apiVersion: v2\nname: web\nversion: 0.0.1\n", 0o644)
	writeFile(t, filepath.Join(s.dir, "web", "templates", "x.yaml"), configMap("from: a folder, {{ .Values.x }}"), 0o644)
	writeFile(t, filepath.Join(s.dir, "next", "Chart.yaml"), "apiVersion: v3\nname: next\nversion: 0.0.1\n", 0o644)
	writeFile(t, filepath.Join(s.dir, "needy", "Chart.yaml"), "apiVersion: v2\nname: needy\nversion: 0.0.1\ndependencies:\n- {name: web, version: ~1.0.0, repository: "+s.open.URL+"}\n", 0o644)
	writeFile(t, filepath.Join(s.dir, "far.yaml"), "x: far\n", 0o644)
	return s
}

func serve(t *testing.T, server *httptest.Server) *httptest.Server {
	t.Helper()
	t.Cleanup(server.Close)
	return server
}

// asking answers only those who know the password.
func asking(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, word, _ := r.BasicAuth(); name != user || word != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="charts"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// sign signs the archives in a folder, but for the last one, whose signature is of another.
func (s *shelf) sign(t *testing.T, charts string) {
	t.Helper()
	for i, keyring := range []*string{&s.keys, &s.otherKeys} {
		entity, err := openpgp.NewEntity(fmt.Sprint("key ", i), "", "nobody@example.com", nil)
		if err != nil {
			t.Fatal(err)
		}
		*keyring = filepath.Join(s.dir, fmt.Sprintf("keys%d.gpg", i))
		var public strings.Builder
		if err := entity.Serialize(&public); err != nil {
			t.Fatal(err)
		}
		writeFile(t, *keyring, public.String(), 0o644)
		if i > 0 {
			return
		}
		signer := &provenance.Signatory{Entity: entity}
		for of, version := range map[string]string{"1.0.0": "1.0.0", "1.1.0": "1.1.0", "2.0.0-beta": "1.1.0"} {
			text, err := signer.ClearSign(filepath.Join(charts, "web-"+version+".tgz"))
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(charts, "web-"+of+".tgz.prov"), text, 0o644)
		}
	}
}

// home has Helm know the shelf, with the real program, as a user would.
func (s *shelf) home(t *testing.T, bin string) {
	t.Helper()
	home := t.TempDir()
	for _, kind := range []string{"DATA", "CONFIG", "CACHE"} {
		t.Setenv("HELM_"+kind+"_HOME", filepath.Join(home, strings.ToLower(kind)))
	}
	plugin := filepath.Join(home, "data", "plugins", "shelf")
	writeFile(t, filepath.Join(plugin, "plugin.yaml"), "name: shelf\nversion: 0.1.0\nusage: u\ndescription: d\ncommand: echo\n"+
		"downloaders:\n- {command: get, protocols: [shelf]}\n", 0o644)
	writeFile(t, filepath.Join(plugin, "get"), "#!/bin/sh\ncat \""+s.dir+"/${4#shelf://}\"\n", 0o755)
	for _, args := range [][]string{
		{"repo", "add", "open", s.open.URL},
		{"repo", "add", "closed", s.closed.URL, "--username", user, "--password", password},
		{"registry", "login", s.locked.host(), "--plain-http", "--username", user, "--password", password},
	} {
		if out, err := exec.Command(bin, args...).CombinedOutput(); err != nil {
			t.Fatalf("helm %v: %v\n%s", args, err, out)
		}
	}
}

// forget removes what was fetched, so that it helps nobody else.
func (s *shelf) forget(t *testing.T) {
	t.Helper()
	cache := os.Getenv("HELM_CACHE_HOME")
	fetched, err := filepath.Glob(filepath.Join(cache, "repository", "*.tgz*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(fetched, filepath.Join(cache, "content"), filepath.Join(s.dir, "needy", "charts"), filepath.Join(s.dir, "needy", "Chart.lock")) {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// What is found and verified here is what the real helm finds and verifies, and what it
// refuses is refused.
func TestFindsAsHelmDoes(t *testing.T) {
	s := newShelf(t)
	file := valuesFile(t)
	t.Chdir(s.dir)
	at := strings.NewReplacer(
		"OPEN", s.open.URL, "CLOSED", s.closed.URL, "SECURE", s.secure.URL, "REGISTRY", "oci://"+s.registry.host()+"/charts", "LOCKED", "oci://"+s.locked.host()+"/charts",
		"KEYS", s.keys, "OTHERS", s.otherKeys, "CA", s.ca, "FILE", file, "LOGIN", "--username "+user+" --password "+password,
	)
	cases := []string{
		"web", "./web", "./none", "none", "open/web", "open/web --version 1.0.0", "open/web --version ^1", "open/web --devel", "open/none", "other/web", "next",
		"open/web --version 3", "OPEN/web-1.0.0.tgz", "OPEN/web-9.tgz", "web --repo OPEN", "web --repo OPEN --version 1.0.0", "./web --repo OPEN", "web-1.0.0.tgz --repo OPEN", "none --repo OPEN",
		"closed/web", "nothere --repo CLOSED", "web --repo CLOSED LOGIN", "web --repo CLOSED --username nobody --password none",
		"web --repo SECURE", "web --repo SECURE --ca-file CA", "web --repo SECURE --insecure-skip-tls-verify", "SECURE/web-1.0.0.tgz --insecure-skip-tls-verify",
		"REGISTRY/web --plain-http", "REGISTRY/web --plain-http --version 1.0.0", "REGISTRY/web:1.0.0 --plain-http", "REGISTRY/web", "REGISTRY/none --plain-http", "REGISTRY/web --plain-http --version 7",
		"LOCKED/web --plain-http", "LOCKED/web --plain-http LOGIN", "LOCKED/web --plain-http --username nobody --password none",
		"charts/web-1.0.0.tgz --verify --keyring KEYS", "charts/web-1.0.0.tgz --verify --keyring OTHERS", "charts/web-2.0.0-beta.tgz --verify --keyring KEYS", "web --verify --keyring KEYS",
		"open/web --verify --keyring KEYS", "open/web --verify --keyring OTHERS", "open/web --devel --verify --keyring KEYS", "open/web --verify --keyring none",
		"REGISTRY/web --plain-http --verify --keyring KEYS", "REGISTRY/web --plain-http --verify --keyring OTHERS", "LOCKED/web --plain-http --verify --keyring KEYS",
		"shelf://charts/web-1.0.0.tgz", "shelf://charts/none.tgz", "web -f shelf://far.yaml", "web --set-file x=shelf://far.yaml", "web -f shelf://none", "web -f OPEN/index.yaml", "web -f OPEN/none",
		"needy", "needy --dependency-update",
	}
	for _, h := range helms {
		bin := os.Getenv(h.env)
		t.Run(h.env, func(t *testing.T) {
			if bin == "" {
				t.Skip(h.env + " names no helm")
			}
			s.home(t, bin)
			for _, text := range cases {
				t.Run(text, func(t *testing.T) {
					args := strings.Fields(at.Replace(text))
					s.forget(t)
					want, wantErr := realTemplate(t, bin, args)
					s.forget(t)
					client := newClient(t, "default")
					client.Helm = h.major
					side, err := client.Template(context.Background(), fromFlags(t, args))
					if (err != nil) != (wantErr != nil) {
						t.Fatalf("error %v, of helm %v", err, wantErr)
					}
					if diff := cmp.Diff(want, strings.TrimSpace(side.Manifest)); diff != "" {
						t.Errorf("-helm +safe-diff:\n%s", diff)
					}
				})
			}
		})
	}
}

// realTemplate returns what the real helm renders.
func realTemplate(t *testing.T, bin string, args []string) (string, error) {
	t.Helper()
	cmd := exec.Command(bin, append([]string{"template", "shop"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, stderr.String())
	}
	// An update of dependencies is told before.
	text := strings.TrimSpace(string(out))
	return text[max(strings.Index(text, "---\n"), 0):], nil
}
