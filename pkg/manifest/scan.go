package manifest

import "strings"

// head is what identifies an object.
type head struct {
	apiVersion, kind              string
	name, generateName, namespace string
	annotated                     bool   // there may be annotations
	metadata                      string // the lines below "metadata:", "" if not scanned
}

// scanHead reads the head of a document from its lines, without decoding it. It
// knows block style as Helm charts write it. Where it is not certain that YAML
// reads the same out of the document (flow style over several lines, anchors,
// tags, escapes, quoted keys, duplicate keys, keys that differ in upper and lower case
// only, tabs, lists), it reports false and the document has to be decoded. For a document that is not valid YAML the
// answer means nothing.
func scanHead(text string) (head, bool) {
	scans.Add(1)
	s := headScan{walk: newWalk(text)}
	for s.walk.next() {
		if !s.row() {
			return head{}, false
		}
	}
	if s.walk.unsure || !s.seen[kindField] || !s.seen[versionField] || !s.seen[metadataField] {
		return head{}, false
	}
	if s.inMeta {
		s.head.metadata = text[s.metadata:]
	}
	return s.head, true
}

// The entries that may stand only once for the scan to be certain.
const (
	kindField = iota
	versionField
	metadataField
	nameField
	namespaceField
	generateNameField
	labelsField
	annotationsField
	numFields
)

type headScan struct {
	walk   walk
	head   head
	seen   [numFields]bool
	began  bool // there was a top-level key
	inMeta bool // the current top-level key is metadata
	inner  bool // metadata has an entry
	// metadata is where the lines below "metadata:" begin.
	metadata int
	indent   int // of the entries of metadata, 0 before the first
	// closed says that the last entry, at the current level, has its value on
	// its own line, so that an indented line or a list item would change it.
	closed bool
}

// row takes in one line; false means that the head is not certain.
func (s *headScan) row() bool {
	w := &s.walk
	dash := strings.HasPrefix(w.entry, "- ") || w.entry == "-"
	switch {
	case w.indent == 0 && dash:
		return s.began && !s.closed && (!s.inMeta || s.inner)
	case w.indent == 0:
		return s.topEntry(w.entry)
	case !s.began:
		return false
	case !s.inMeta:
		return !s.closed
	case s.indent == 0:
		s.indent = w.indent
	}
	switch {
	case w.indent < s.indent:
		return false
	case w.indent > s.indent:
		return !s.closed
	case dash:
		return s.inner && !s.closed
	}
	s.inner = true
	return s.metaEntry(w.entry)
}

func (s *headScan) topEntry(entry string) bool {
	key, value, ok := cutEntry(entry)
	if !ok {
		return false
	}
	if s.inMeta {
		s.head.metadata = s.walk.text[s.metadata:s.walk.at]
	}
	s.began, s.inMeta, s.closed = true, false, value != ""
	switch key {
	case "apiVersion":
		return s.text(versionField, &s.head.apiVersion, value)
	case "kind":
		return s.text(kindField, &s.head.kind, value)
	case "items":
		return false
	case "metadata":
		s.inMeta, s.metadata = true, len(s.walk.text)-len(s.walk.rest)
		return value == "" && s.once(metadataField)
	}
	return !oddCase(key, "apiVersion", "kind", "metadata")
}

func (s *headScan) metaEntry(entry string) bool {
	key, value, ok := cutEntry(entry)
	if !ok {
		return false
	}
	s.closed = value != ""
	switch key {
	case "name":
		return s.text(nameField, &s.head.name, value)
	case "namespace":
		return s.text(namespaceField, &s.head.namespace, value)
	case "generateName":
		return s.text(generateNameField, &s.head.generateName, value)
	case "labels":
		return s.once(labelsField)
	case "annotations":
		s.head.annotated = true
		return s.once(annotationsField)
	}
	return !oddCase(key, "name", "annotations")
}

// oddCase reports whether a key is one of the names except for upper and lower case. Helm
// reads annotations from "Metadata", too.
func oddCase(key string, names ...string) bool {
	for _, name := range names {
		if len(key) == len(name) && strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

func (s *headScan) once(field int) bool {
	repeated := s.seen[field]
	s.seen[field] = true
	return !repeated
}

func (s *headScan) text(field int, into *string, value string) bool {
	if value == "" {
		return false
	}
	var ok bool
	*into, ok = plainText(value)
	return ok && s.once(field)
}

// cutEntry cuts "key: value" where the key is a plain word that YAML reads as it
// is written. A value that the line does not hold comes back empty.
func cutEntry(entry string) (key, value string, ok bool) {
	i := 0
	for i < len(entry) && wordByte(entry[i]) {
		i++
	}
	if i == 0 || i == len(entry) || entry[i] != ':' || entry[0] == '-' {
		return "", "", false
	}
	key, value = entry[:i], entry[i+1:]
	if value != "" && value[0] != ' ' {
		return "", "", false
	}
	if comment := strings.Index(value, " #"); comment >= 0 {
		value = value[:comment]
	}
	return key, strings.Trim(value, " "), true
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '/'
}

// plainText returns the text of a scalar that is certainly a string.
func plainText(value string) (string, bool) {
	if quote := value[0]; quote == '"' || quote == '\'' {
		if len(value) < 3 || value[len(value)-1] != quote {
			return "", false
		}
		value = value[1 : len(value)-1]
		if strings.IndexByte(value, quote) >= 0 || strings.IndexByte(value, '\\') >= 0 {
			return "", false
		}
		return value, true
	}
	letter := false
	for i := range len(value) {
		c := value[i]
		if !wordByte(c) && (c != ':' || i == 0 || i+1 == len(value)) {
			return "", false
		}
		letter = letter || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return value, letter && !resolves(value)
}

// resolves reports whether YAML 1.1 may read a bare word as something else than
// text: a boolean, null, infinity, or a number with letters in it.
func resolves(word string) bool {
	if len(word) <= len("false") {
		switch strings.ToLower(word) {
		case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
			return true
		}
	}
	c := word[0]
	return c == '.' || c == '-' || c >= '0' && c <= '9' && !strings.ContainsAny(word, "ghjklmpqrstuvwyzGHJKLMPQRSTUVWYZ")
}
