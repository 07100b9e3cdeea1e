package manifest

import (
	"encoding/json"

	"go.yaml.in/yaml/v2"
)

// storedObject is an Object as it is stored.
type storedObject struct {
	Ref          Ref      `json:"ref"`
	GenerateName string   `json:"generateName,omitempty"`
	Source       string   `json:"source,omitempty"`
	Position     Position `json:"position"`
	// Hooks are the annotations of a list that decide what hooks its items are.
	Hooks map[string]string `json:"hooks,omitempty"`
	Text  string            `json:"text"`
	// Item says that the object has no document of its own, but is an item of a List.
	Item bool `json:"item,omitempty"`
}

// MarshalJSON writes the object for whoever stores it: the document as it is, or what
// WithoutSecrets leaves of its value where that is not all. The error is that of Value.
func (o *Object) MarshalJSON() ([]byte, error) {
	stored := storedObject{o.Ref, o.GenerateName, o.Source, o.Position, o.outer, o.text, o.text == ""}
	value, err := o.Value()
	if err != nil {
		return nil, err
	}
	// The text of a Secret may say in a comment what its fields hold.
	if public := WithoutSecrets(value, o.Ref); o.text == "" || IsSecret(o.Ref.Kind) || !same(value, public) {
		text, err := yaml.Marshal(public)
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
	o.Ref, o.GenerateName, o.Source, o.Position, o.outer = stored.Ref, stored.GenerateName, stored.Source, stored.Position, stored.Hooks
	o.text, o.annotated = stored.Text, true
	if stored.Item {
		var err error
		o.decoded, err = decodeMap(stored.Text, stored.Position)
		o.text = ""
		return err
	}
	return nil
}
