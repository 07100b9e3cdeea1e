// Package secrets finds what Secrets hold again where it must not be shown.
package secrets

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// minPart is from how many bytes on a part of a secret is taken for one: shorter ones are
// in many texts by chance.
const minPart = 8

// secretTexts are what the Secrets of a release hold, to be found again elsewhere.
type secretTexts struct {
	whole map[string]bool
	long  []string // of minPart bytes and more
}

func (s *secretTexts) add(texts []string) {
	if s.whole == nil {
		s.whole = map[string]bool{}
	}
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if harmless(text) || s.whole[text] {
			continue
		}
		s.whole[text] = true
		if len(text) >= minPart {
			s.long = append(s.long, text)
		}
	}
}

// has reports whether a text is a secret, a part of one or has one in it, as it is or in
// base64.
func (s *secretTexts) has(text string) bool {
	text = strings.TrimSpace(text)
	if harmless(text) {
		return false
	}
	forms := []string{text}
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && utf8.Valid(decoded) {
		forms = append(forms, strings.TrimSpace(string(decoded)))
	}
	for _, form := range forms {
		if harmless(form) {
			continue
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(form))
		if s.whole[form] || s.whole[encoded] || slices.ContainsFunc(s.long, func(secret string) bool {
			return strings.Contains(form, secret) || len(form) >= minPart && (strings.Contains(secret, form) || strings.Contains(secret, encoded))
		}) {
			return true
		}
	}
	return false
}

// shortNumber matches what stands for ports, counts and times, and not for secrets.
var shortNumber = regexp.MustCompile(`^[+-]?[0-9.]{1,7}$`)

// harmless reports whether a text is too common to be a secret.
func harmless(text string) bool {
	switch strings.ToLower(text) {
	case "", "true", "false", "null", "~", "yes", "no", "on", "off", "none":
		return true
	default:
		return shortNumber.MatchString(text)
	}
}

// ConcealValues marks those of the user's values as secret that a Secret of either side
// holds, whatever they are called.
func ConcealValues(values []change.Edit, sides ...[]*manifest.Object) ([]change.Edit, error) {
	if !slices.ContainsFunc(values, func(e change.Edit) bool { return !e.Old.Secret() && !e.New.Secret() }) {
		return values, nil
	}
	var secrets secretTexts
	for _, objects := range sides {
		for _, o := range objects {
			texts, err := hiddenIn(o)
			if err != nil {
				return nil, err
			}
			secrets.add(texts)
		}
	}
	values = slices.Clone(values)
	for i := range values {
		if e := &values[i]; secrets.has(e.Old.Text()) || secrets.has(e.New.Text()) {
			e.Old, e.New = e.Old.AsSecret(), e.New.AsSecret()
		}
	}
	return values, nil
}

// hiddenIn returns what must not be shown of an object. It does not decode those that
// certainly hold no Secret, which are most.
func hiddenIn(o *manifest.Object) ([]string, error) {
	lower := strings.ToLower(o.Text())
	plain := lower != "" && !strings.Contains(lower, "secret") && !strings.Contains(lower, "stringdata") &&
		!strings.Contains(lower, "last-applied-configuration") && !strings.ContainsAny(lower, `\!`)
	if plain && !manifest.IsSecret(o.Ref.Kind) {
		return nil, nil
	}
	value, err := o.Value()
	if err != nil {
		return nil, err
	}
	defer o.Forget()
	return manifest.HiddenTexts(value, o.Ref), nil
}

// Conceal masks in what is said of an object what must not be shown of it: the API server
// and the webhooks of a cluster quote values.
func Conceal(p diff.Pair, result *apiserver.Result) error {
	if len(result.Outcome.Refused)+len(result.Outcome.Ignored)+len(result.Unchecked) == 0 {
		return nil
	}
	var texts []string
	for _, o := range []*manifest.Object{p.Old, p.New} {
		if o != nil {
			value, err := o.Value()
			if err != nil {
				return err
			}
			texts = append(texts, manifest.HiddenTexts(value, o.Ref)...)
		}
	}
	texts = append(texts, manifest.HiddenTexts(result.OldFields, p.Ref())...)
	masks := masksOf(p.Ref(), texts)
	if masks == nil {
		return nil
	}
	for i := range result.Outcome.Refused {
		result.Outcome.Refused[i].Message = masks.Replace(result.Outcome.Refused[i].Message)
	}
	for i := range result.Outcome.Ignored {
		result.Outcome.Ignored[i] = masks.Replace(result.Outcome.Ignored[i])
	}
	for i := range result.Unchecked {
		result.Unchecked[i].Reason = masks.Replace(result.Unchecked[i].Reason)
	}
	return nil
}

// masksOf returns what masks secrets in sentences: long ones wherever they are, short
// ones in quotes. The name of the object is none.
func masksOf(ref manifest.Ref, texts []string) *strings.Replacer {
	var forms []string
	for _, text := range texts {
		for line := range strings.Lines(text) {
			forms = append(forms, strings.TrimSpace(line))
		}
		forms = append(forms, text, base64.StdEncoding.EncodeToString([]byte(text)))
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range slices.Compact(forms) {
		if harmless(form) || form == ref.Name || form == ref.Namespace {
			continue
		}
		quoted := strconv.Quote(form)
		asJSON, err := json.Marshal(form)
		if err != nil {
			asJSON = []byte(quoted)
		}
		pairs = append(pairs, quoted, strconv.Quote(change.Mask), string(asJSON), strconv.Quote(change.Mask), "'"+form+"'", "'"+change.Mask+"'", "`"+form+"`", change.Mask)
		if len(form) >= minPart {
			pairs = append(pairs, form, change.Mask, quoted[1:len(quoted)-1], change.Mask, string(asJSON[1:len(asJSON)-1]), change.Mask)
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	return strings.NewReplacer(pairs...)
}
