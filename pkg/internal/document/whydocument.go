package document

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

type jsonWhy struct {
	Renderings int              `json:"renderings"`
	Causes     []jsonCauseCount `json:"causes"`
}

type jsonCauseCount struct {
	jsonBecause
	Edits int `json:"edits"`
}

type jsonBecause struct {
	Chart      bool           `json:"chart"`
	Defaults   []string       `json:"defaults,omitempty"`
	Keys       []jsonKeyCause `json:"keys,omitempty"`
	Joint      bool           `json:"joint,omitempty"`
	Unresolved bool           `json:"unresolved,omitempty"`
	Step       bool           `json:"step,omitempty"`
	Unknown    string         `json:"unknown,omitempty"`
}

type jsonKeyCause struct {
	Key  string       `json:"key"`
	At   jsonKeyPlace `json:"at"`
	Gone bool         `json:"gone,omitempty"`
}

func jsonWhyOf(set *change.Set) *jsonWhy {
	if set.Why == nil {
		return nil
	}
	return &jsonWhy{Renderings: set.Why.Renderings, Causes: reporting.Each(set.Causes(), func(c *change.CauseCount) jsonCauseCount {
		return jsonCauseCount{*jsonBecauseOf(&c.Because), c.Edits}
	})}
}

func jsonBecauseOf(b *change.Because) *jsonBecause {
	if b == nil {
		return nil
	}
	return &jsonBecause{
		Chart: b.Chart, Defaults: b.Defaults, Joint: b.Joint, Unresolved: b.Unresolved, Step: b.Step, Unknown: b.Unknown,
		Keys: reporting.Each(b.Keys, func(k *change.KeyCause) jsonKeyCause { return jsonKeyCause{k.Key, jsonKeyPlaceOf(k.At), k.Gone} }),
	}
}
