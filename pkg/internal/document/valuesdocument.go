package document

import (
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

type jsonKeyPlace struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Flag string `json:"flag,omitempty"`
	// Release says that the installed release has it.
	Release bool `json:"release,omitempty"`
}

func jsonKeyPlaceOf(p change.KeyPlace) jsonKeyPlace {
	switch {
	case p.Name == "":
		return jsonKeyPlace{Release: true}
	case p.Line == 0:
		return jsonKeyPlace{Flag: p.Name}
	}
	return jsonKeyPlace{File: p.Name, Line: p.Line}
}

type jsonValueKeys struct {
	Keys     int               `json:"keys"`
	Read     int               `json:"read"`
	Dead     []jsonDeadKey     `json:"dead"`
	Shadowed []jsonShadowedKey `json:"shadowed"`
	Defaults []jsonDefaultKey  `json:"defaults"`
	Unsure   []string          `json:"unsure,omitempty"`
}

type jsonDeadKey struct {
	Key     string       `json:"key"`
	At      jsonKeyPlace `json:"at"`
	Keys    int          `json:"keys"`
	Nearest string       `json:"nearest,omitempty"`
	// Was says that the old chart reads it.
	Was bool `json:"readByOldChart"`
}

type jsonShadowedKey struct {
	Key string       `json:"key"`
	At  jsonKeyPlace `json:"at"`
	By  jsonKeyPlace `json:"by"`
}

type jsonDefaultKey struct {
	Key   string        `json:"key"`
	Old   any           `json:"old"`
	New   any           `json:"new"`
	Given bool          `json:"given"`
	At    *jsonKeyPlace `json:"at,omitempty"`
}

// Values returns the document about the values that a user gives.
func Values(v *change.ValueKeys) any {
	return jsonValueKeys{
		Keys: v.Keys, Read: v.Read, Unsure: v.Unsure,
		Dead: reporting.Each(v.Dead, func(d *change.DeadKey) jsonDeadKey {
			return jsonDeadKey{d.Key, jsonKeyPlaceOf(d.At), d.Keys, d.Nearest, d.Was}
		}),
		Shadowed: reporting.Each(v.Shadowed, func(s *change.ShadowedKey) jsonShadowedKey {
			return jsonShadowedKey{s.Key, jsonKeyPlaceOf(s.At), jsonKeyPlaceOf(s.By)}
		}),
		Defaults: reporting.Each(v.Defaults, func(d *change.DefaultKey) jsonDefaultKey {
			out := jsonDefaultKey{Key: strings.TrimPrefix(d.Path.String(), "."), Old: d.Old.Shown(), New: d.New.Shown(), Given: d.Given}
			if d.Given {
				out.At = new(jsonKeyPlaceOf(d.At))
			}
			return out
		}),
	}
}
