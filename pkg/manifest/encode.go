package manifest

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v2"
)

// maskStored stands in a stored object for what a Secret holds.
const maskStored = "***"

// storedObject is an Object as it is stored.
type storedObject struct {
	Ref          Ref      `json:"ref"`
	GenerateName string   `json:"generateName,omitempty"`
	Source       string   `json:"source,omitempty"`
	Position     Position `json:"position"`
	Unread       bool     `json:"unread,omitempty"`
	Text         string   `json:"text"`
	// Item says that the object has no document of its own, but is an item of a List.
	Item bool `json:"item,omitempty"`
}

// MarshalJSON writes the object for whoever stores it: the document as it is, but a
// Secret, and what holds a copy of itself in an annotation, without its secrets
// (WithoutSecrets). The error is that of Value.
func (o *Object) MarshalJSON() ([]byte, error) {
	stored := storedObject{o.Ref, o.GenerateName, o.Source, o.Position, o.Unread, o.text, o.text == ""}
	if o.text == "" || o.Ref.Kind == "Secret" || strings.Contains(o.text, lastApplied) {
		value, err := o.Value()
		if err != nil {
			return nil, err
		}
		text, err := yaml.Marshal(WithoutSecrets(value, o.Ref, maskStored))
		if err != nil {
			return nil, err
		}
		stored.Text = string(text)
	}
	return json.Marshal(stored)
}

// UnmarshalJSON reads what MarshalJSON has written.
func (o *Object) UnmarshalJSON(text []byte) error {
	var stored storedObject
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	o.Ref, o.GenerateName, o.Source, o.Position, o.Unread = stored.Ref, stored.GenerateName, stored.Source, stored.Position, stored.Unread
	o.text, o.annotated = stored.Text, true
	if stored.Item {
		var err error
		o.decoded, err = decodeMap(stored.Text, stored.Position)
		o.text = ""
		return err
	}
	return nil
}
