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

// cutLabels cuts a document into what stands before the entries of
// metadata.labels, these, and what stands behind them. The block is "" if there
// is none.
func cutLabels(text string) (before, block, after string) {
	const metadata = "metadata:"
	pos := 0
	if !strings.HasPrefix(text, metadata) {
		at := strings.Index(text, "\n"+metadata)
		if at < 0 {
			return "", "", ""
		}
		pos = at + 1
	}
	_, rest := cutRow(text[pos:])
	indent, start, depth := 0, -1, 0
	for rest != "" {
		row, next := cutRow(rest)
		if skippable(row) {
			if start >= 0 {
				break // a comment or an empty line ends the block; what it ends is found out below
			}
			rest = next
			continue
		}
		at := len(row) - len(strings.TrimLeft(row, " "))
		switch {
		case start >= 0 && at <= indent:
			end := len(text) - len(rest)
			return text[:start], text[start:end], text[end:]
		case start >= 0:
			if depth == 0 {
				depth = at
			}
			if at != depth {
				return "", "", ""
			}
		case at == 0:
			return "", "", ""
		default:
			if indent == 0 {
				indent = at
			}
			if at == indent && row[at:] == "labels:" {
				start = len(text) - len(next)
			}
		}
		rest = next
	}
	if start < 0 {
		return "", "", ""
	}
	end := len(text) - len(rest)
	if strings.TrimSpace(rest) != "" && deeper(rest, indent) {
		return "", "", ""
	}
	return text[:start], text[start:end], text[end:]
}

// deeper reports whether the first line of a stretch that says something is
// indented by more than indent: the block before it goes on.
func deeper(text string, indent int) bool {
	for text != "" {
		row, rest := cutRow(text)
		if !skippable(row) {
			return len(row)-len(strings.TrimLeft(row, " ")) > indent
		}
		text = rest
	}
	return false
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
