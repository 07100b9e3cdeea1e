package manifest

import "maps"

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// WithoutSecrets returns a copy of an object with a mask in place of each value that a
// Secret holds, and without the copy of the object that kubectl keeps in an annotation.
// Whatever field of a Secret is not known to be harmless is masked, a misspelt one too.
func WithoutSecrets(value map[string]any, ref Ref, mask string) map[string]any {
	shown := maps.Clone(value)
	if metadata, is := shown["metadata"].(map[string]any); is {
		metadata = maps.Clone(metadata)
		if annotations, is := metadata["annotations"].(map[string]any); is {
			annotations = maps.Clone(annotations)
			delete(annotations, lastApplied)
			metadata["annotations"] = annotations
		}
		shown["metadata"] = metadata
	}
	if ref.Kind != "Secret" || ref.Group != "" {
		return shown
	}
	for field, content := range shown {
		switch field {
		case "apiVersion", "kind", "metadata", "type", "immutable":
			continue
		}
		hidden, is := content.(map[string]any)
		if !is {
			shown[field] = mask
			continue
		}
		hidden = maps.Clone(hidden)
		for key := range hidden {
			hidden[key] = mask
		}
		shown[field] = hidden
	}
	return shown
}
