package manifest

import "strings"

// RelabelledOnly reports whether two documents differ in nothing but the labels
// of the object itself (metadata.labels), and returns these. It looks at lines
// only; false may also mean that it cannot tell.
//
// A new chart version changes such a label on every object of a release, so this
// spares most of a large upgrade the decoding.
func RelabelledOnly(old, updated *Object) (oldLabels, newLabels map[string]string, only bool) {
	if !old.scanned || !updated.scanned || old.Ref.Version != updated.Ref.Version {
		return nil, nil, false
	}
	oldBefore, oldBlock, oldAfter := cutLabels(old.text)
	newBefore, newBlock, newAfter := cutLabels(updated.text)
	if oldBlock == "" || newBlock == "" || oldBefore != newBefore || oldAfter != newAfter {
		return nil, nil, false
	}
	oldLabels, oldOK := scanLabels(oldBlock)
	newLabels, newOK := scanLabels(newBlock)
	return oldLabels, newLabels, oldOK && newOK
}

// Labels returns the labels of the object itself. It reads them off the lines if these
// leave no doubt, and decodes the object if they do.
func (o *Object) Labels() (map[string]string, error) {
	if o.scanned {
		if _, block, _ := cutLabels(o.text); block != "" {
			if labels, certain := scanLabels(block); certain {
				return labels, nil
			}
		}
	}
	value, err := o.Value()
	if err != nil {
		return nil, err
	}
	metadata, _ := value["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	set := make(map[string]string, len(labels))
	for name, text := range labels {
		set[name], _ = text.(string)
	}
	return set, nil
}

// Mentions reports whether a key can stand anywhere in the object but among its own
// labels. It looks at the text only, as MayHold does.
func (o *Object) Mentions(key string) bool {
	if o.text != "" && o.scanned {
		if before, block, after := cutLabels(o.text); block != "" {
			return mayHold(before, key) || mayHold(after, key)
		}
	}
	return o.MayHold(key)
}

// cutLabels cuts a document into what stands before the entries of
// metadata.labels, these, and what stands behind them. The block is "" if there
// is none, or if its lines leave any doubt.
func cutLabels(text string) (before, block, after string) {
	start, indent := labelsStart(text)
	if start < 0 {
		return "", "", ""
	}
	end, depth := start, 0
	for end < len(text) {
		row, rest := cutRow(text[end:])
		if skippable(row) {
			return "", "", ""
		}
		at := indentation(row)
		if at <= indent {
			break
		}
		if depth == 0 {
			depth = at
		}
		if at != depth {
			return "", "", ""
		}
		end = len(text) - len(rest)
	}
	return text[:start], text[start:end], text[end:]
}

// labelsStart returns where the line after "labels:" directly under the
// top-level "metadata:" begins, and how far "labels:" is indented; -1 without
// one.
func labelsStart(text string) (start, indent int) {
	const metadata = "metadata:"
	pos := 0
	if !strings.HasPrefix(text, metadata) {
		at := strings.Index(text, "\n"+metadata)
		if at < 0 {
			return -1, 0
		}
		pos = at + 1
	}
	_, rest := cutRow(text[pos:])
	for rest != "" {
		var row string
		row, rest = cutRow(rest)
		if skippable(row) {
			continue
		}
		at := indentation(row)
		if at == 0 {
			break
		}
		if indent == 0 {
			indent = at
		}
		if at == indent && row[at:] == "labels:" {
			return len(text) - len(rest), indent
		}
	}
	return -1, 0
}

// scanLabels reads lines "key: value" in which both are certainly text.
func scanLabels(block string) (map[string]string, bool) {
	labels := map[string]string{}
	for block != "" {
		var row string
		row, block = cutRow(block)
		name, value, found := strings.Cut(strings.TrimLeft(row, " "), ": ")
		if !found {
			return nil, false
		}
		if name, found = plainText(name); !found {
			return nil, false
		}
		if value = strings.TrimSpace(value); value == "" {
			return nil, false
		}
		value, certain := plainText(value)
		if _, repeated := labels[name]; !certain || repeated {
			return nil, false
		}
		labels[name] = value
	}
	return labels, len(labels) > 0
}

func skippable(row string) bool {
	trimmed := strings.TrimLeft(row, " ")
	return trimmed == "" || trimmed[0] == '#'
}
