package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/cli/values"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// sourceFlags tell where charts come from. Names and meaning are those of
// `helm upgrade` (addChartPathOptionsFlags in cmd/helm/flags.go).
type sourceFlags struct{ helm.Chart }

func (s *sourceFlags) addTo(flags *pflag.FlagSet) {
	defer gather(flags, chartFlagGroup)()
	c := &s.Source
	flags.StringVar(&c.Version, "version", "", "version of the chart, or a constraint such as ^2.0.0; the latest if not given")
	flags.BoolVar(&s.Devel, "devel", false, "allow development versions of the chart, unless --version is given")
	flags.BoolVar(&s.DependencyUpdate, "dependency-update", false, "fetch missing dependencies of the chart")
	flags.StringVar(&c.RepoURL, "repo", "", "URL of the repository of the chart")
	flags.StringVar(&c.Username, "username", "", "user name for the repository")
	flags.StringVar(&c.Password, "password", "", "password for the repository")
	flags.BoolVar(&c.PassCredentialsAll, "pass-credentials", false, "send user name and password to all hosts")
	flags.StringVar(&c.CertFile, "cert-file", "", "client certificate for the repository")
	flags.StringVar(&c.KeyFile, "key-file", "", "key of the client certificate")
	flags.StringVar(&c.CaFile, "ca-file", "", "certificates that verify the repository")
	flags.BoolVar(&c.InsecureSkipTLSverify, "insecure-skip-tls-verify", false, "do not verify the repository's certificate")
	flags.BoolVar(&c.PlainHTTP, "plain-http", false, "fetch the chart over plain HTTP")
	flags.BoolVar(&c.Verify, "verify", false, "verify the signature of the chart")
	flags.StringVar(&c.Keyring, "keyring", defaultKeyring(), "public keys that verify signatures")
}

// defaultKeyring is where GnuPG keeps its keys, as in cmd/helm/dependency_build.go.
func defaultKeyring() string {
	if home := os.Getenv("GNUPGHOME"); home != "" {
		return filepath.Join(home, "pubring.gpg")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".gnupg", "pubring.gpg")
}

// chart returns the chart that an argument names.
func (s *sourceFlags) chart(ref string) helm.Chart {
	c := s.Chart
	c.Ref = ref
	return c
}

// renderFlags decide, besides the chart, what is rendered. Names and meaning are
// those of `helm upgrade` and `helm template`.
type renderFlags struct{ helm.Rendering }

func (r *renderFlags) addTo(flags *pflag.FlagSet) {
	defer gather(flags, renderFlagGroup)()
	addHelmTo(flags)
	addValueFlags(flags, &r.Values)
	flags.StringVar(&r.KubeVersion, "kube-version", "", "version of Kubernetes that templates see, such as 1.36")
	flags.StringSliceVarP(&r.APIVersions, "api-versions", "a", nil, "API versions that templates see besides the known ones (repeatable)")
	flags.StringVar(&r.PostRenderer.Name, "post-renderer", "", "executable (Helm 3) or plugin (Helm 4) that changes what was rendered")
	flags.StringArrayVar(&r.PostRenderer.Args, "post-renderer-args", nil, "argument of the post-renderer (repeatable)")
	flags.BoolVar(&r.NoHooks, "no-hooks", false, "leave hooks out")
	flags.BoolVar(&r.EnableDNS, "enable-dns", false, "let templates look names up in the DNS")
	flags.BoolVar(&r.SkipSchemaValidation, "skip-schema-validation", false, "do not check the values against the chart's schema")
	flags.BoolVar(&r.SubchartNotes, "render-subchart-notes", false, "render the notes of subcharts, too")
	flags.Lookup("render-subchart-notes").Hidden = true
}

// addValueFlags adds the flags that set values (addValueOptionsFlags in
// cmd/helm/flags.go).
func addValueFlags(flags *pflag.FlagSet, v *values.Options) {
	defer gather(flags, valuesFlagGroup)()
	flags.StringSliceVarP(&v.ValueFiles, "values", "f", nil, "values from a YAML file, a URL or - for stdin (repeatable)")
	flags.StringArrayVar(&v.Values, "set", nil, "set values: key1=val1,key2=val2 (repeatable)")
	flags.StringArrayVar(&v.StringValues, "set-string", nil, "set values that are strings (repeatable)")
	flags.StringArrayVar(&v.FileValues, "set-file", nil, "set values from files: key1=path1,key2=path2 (repeatable)")
	flags.StringArrayVar(&v.JSONValues, "set-json", nil, "set values from JSON: key1=json1 (repeatable)")
	flags.StringArrayVar(&v.LiteralValues, "set-literal", nil, "set a value that is taken literally: key=val (repeatable)")
}

// helmClient returns the way to Helm in this process's environment.
func (a *app) helmClient() *helm.Client {
	return &helm.Client{
		Settings:  a.settings,
		Helm:      a.helmAsked(),
		Driver:    os.Getenv("HELM_DRIVER"),
		Stderr:    a.said,
		ReadStdin: sync.OnceValues(a.readStdin),
	}
}

// check returns an error for flags whose values cannot be right.
func (r *renderFlags) check() error {
	if err := stdinOnce(r.Values.ValueFiles...); err != nil {
		return err
	}
	return helm.CheckKubeVersion(r.KubeVersion)
}

// stdinOnce makes sure that at most one of the given names stands for stdin.
func stdinOnce(names ...string) error {
	count := 0
	for _, name := range names {
		if name == "-" {
			count++
		}
	}
	if count > 1 {
		return errors.New("- stands for stdin, which can be read only once")
	}
	return nil
}

func (a *app) readStdin() ([]byte, error) {
	data, err := io.ReadAll(a.stdin)
	if err != nil {
		return nil, fmt.Errorf("read stdin: %w", err)
	}
	return data, nil
}
