package helm

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// hinted is an error of which we know what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint returns one clause that says what to do instead.
func (h *hinted) Hint() string { return h.hint }

// withHint returns err with a hint that a program can show below it. The hint is
// found by errors.As with interface{ Hint() string }.
func withHint(err error, hint string) error { return &hinted{err, hint} }

// cleaned is an error of Helm whose text may be shown.
type cleaned struct {
	text  string
	cause error
}

func (c *cleaned) Error() string { return c.text }
func (c *cleaned) Unwrap() error { return c.cause }

// clean returns err with a text that quotes no value, manifest or template: any
// of them may be a secret, and error messages end up in the logs of a CI. A
// message of `fail` or `required` stays: the chart's author wrote it to be read.
func clean(err error) error {
	if err == nil {
		return nil
	}
	return &cleaned{cleanText(err.Error()), err}
}

// cleanRendering is clean for what a chart says. A message of fail or required stays, but
// for those of the values that are secret by their name.
func cleanRendering(err error, values ...map[string]any) error {
	if err == nil {
		return nil
	}
	var secrets []string
	for _, given := range values {
		secretValues(given, false, &secrets)
	}
	text := cleanText(err.Error())
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			text = strings.ReplaceAll(text, form, manifest.Mask)
			quoted := strconv.Quote(form)
			text = strings.ReplaceAll(text, quoted[1:len(quoted)-1], manifest.Mask)
		}
	}
	return &cleaned{text, err}
}

// leastSecret is how long a value must be to be looked for: shorter ones are in many
// words.
const leastSecret = 4

// secretValues collects the texts below names that say that they are secret.
func secretValues(value any, secret bool, texts *[]string) {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			secretValues(inner, secret || manifest.SecretName(name), texts)
		}
	case []any:
		for _, item := range value {
			secretValues(item, secret, texts)
		}
	case string:
		if secret && len(value) >= leastSecret && value != "true" && value != "false" {
			*texts = append(*texts, value)
		}
	}
}

func cleanText(text string) string {
	if !strings.HasPrefix(text, "execution error") {
		if i := strings.LastIndex(text, "error calling "); i >= 0 {
			text = text[:i] + quotedText.ReplaceAllString(text[i:], "(left out)")
		}
	}
	for _, q := range quoting() {
		text = q.found.ReplaceAllString(text, q.instead)
	}
	return strings.TrimSpace(text)
}

var quotedText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// quoting returns where messages of Helm and of the libraries below it quote
// values, and what to write instead. What is only chatter is shortened, too.
func quoting() []replacement {
	return []replacement{
		// pkg/engine: tpl quotes the whole text it was given.
		{regexp.MustCompile(`(cannot parse template|tpl function execution for) "(?:[^"\\]|\\.)*"`), `$1 (left out)`},
		{regexp.MustCompile(`(strconv\.\w+: parsing|trying to unmarshal) "(?:[^"\\]|\\.)*"`), `$1 a value`},
		{regexp.MustCompile(`(?s)(rendering template failed): .*`), `$1: a template function panicked`},
		// text/template prints what it was told to range over.
		{regexp.MustCompile(`(?s)can't iterate over .*`), `can't iterate over the value`},
		// The YAML parsers quote scalars and keys.
		{regexp.MustCompile("(?s)`[^`]*`"), `a value`},
		{regexp.MustCompile(`(?s)invalid map key: .*`), `invalid map key`},
		{regexp.MustCompile(`cannot unmarshal number \S+ into`), `cannot unmarshal number into`},
		// The JSON schema validator quotes the values it refuses.
		{regexp.MustCompile(`(?s)'(?:[^'\\]|\\.)*' does not match`), `value does not match`},
		{regexp.MustCompile(`'(?:[^'\\]|\\.)*' is not valid ([\w-]+):[^\n]*`), `value is not valid $1`},

		{regexp.MustCompile(`^YAML parse error on (\S+): `), `read rendered template "$1": `},
		{regexp.MustCompile(`error converting YAML to JSON: |error unmarshaling JSON: (?:while decoding JSON: )?`), ``},
		{regexp.MustCompile(`^[Kk]ubernetes cluster unreachable: `), ``},
		// client-go tells the address, and which part of the waiting took too long.
		{regexp.MustCompile(`(?:Get "[^"]*": )?(?:context deadline exceeded|net/http: request canceled(?: while waiting for connection)?)( \(Client\.Timeout[^)]*\))?`), `the cluster does not answer in time`},
	}
}

type replacement struct {
	found   *regexp.Regexp
	instead string
}
