package manifest

import (
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v2"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	k8syaml "k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// errUnread is about text that Helm does not read: its YAML decoder takes the first
// value of a document and drops the rest.
var errUnread = errors.New(`more follows the end of the document ("..." or a second value), ` +
	`and Helm reads nothing there; begin it with "---" on a line of its own`)

// errSeparator is about a line such as "------", of which Helm takes the first dashes
// away, and kubectl's reader then meets a separator with text behind it.
var errSeparator = errors.New(`text follows a second "---" at the beginning of the document, which Helm rejects`)

// decodeMap decodes a document to the value that Helm gets of it: lines as
// k8s.io/apimachinery/pkg/util/yaml hands them on, YAML as sigs.k8s.io/yaml reads it,
// numbers as the API machinery's JSON decoder gives them. A document that is null or
// empty gives nil.
func decodeMap(text string, at Position) (map[string]any, error) {
	raw, err := decodeRaw(text)
	if err != nil {
		return nil, &SyntaxError{At: at, Reason: yamlReason(err, text, at.Line)}
	}
	value, err := plainValue(raw)
	if err != nil {
		return nil, &SyntaxError{At: at, Reason: err.Error()}
	}
	switch v := value.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return hookValue(text, v, at)
	default:
		return nil, &SyntaxError{At: at, Reason: "the document is no object (" + kindOf(value) + ")"}
	}
}

// hookValue returns the value of a document that may be a hook. Helm builds hooks one by
// one, so that the reader of the API machinery sees a brace at the beginning and takes
// what follows for JSON, which is not always what YAML makes of it.
func hookValue(text string, value map[string]any, at Position) (map[string]any, error) {
	if strings.HasPrefix(text, sourceComment) {
		_, text = cutRow(text)
	}
	if !strings.HasPrefix(text, "{") {
		return value, nil
	}
	annotations, err := outerAnnotations(text, value, at)
	if err != nil {
		return nil, err
	}
	if annotations == nil {
		annotations = annotationsOf(value)
	}
	if _, hook := annotations[HookAnnotation]; !hook {
		return value, nil
	}
	decoder := k8syaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	var found map[string]any
	for {
		var raw runtime.RawExtension
		switch err := decoder.Decode(&raw); {
		case errors.Is(err, io.EOF) && found != nil:
			return found, nil
		case err != nil:
			return nil, &SyntaxError{At: at, Reason: "a hook that begins with a brace is no JSON"}
		case len(raw.Raw) == 0 || string(raw.Raw) == "null":
		case found != nil:
			return nil, &SyntaxError{At: at, Reason: errUnread.Error()}
		case utiljson.Unmarshal(raw.Raw, &found) != nil || found == nil:
			return nil, &SyntaxError{At: at, Reason: "a hook that begins with a brace is no JSON object"}
		}
	}
}

// annotationsOf returns the annotations of a value; null is "".
func annotationsOf(value map[string]any) map[string]string {
	found := map[string]string{}
	metadata, _ := value["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	for key, content := range annotations {
		if text, is := content.(string); is || content == nil {
			found[key] = text
		}
	}
	return found
}

func decodeRaw(text string) (any, error) {
	lines, err := readLines(text)
	if err != nil {
		return nil, err
	}
	// A byte order mark, a directive or a separator behind an odd break means one thing at
	// the beginning of a stream, where a hook has it, and another below the separator and
	// the comment that Helm writes above all else.
	body := lines
	if strings.HasPrefix(lines, sourceComment) {
		_, body = cutRow(lines)
	}
	if strings.HasPrefix(body, byteOrderMark) || strings.HasPrefix(body, "%") || oddBreaks(body) {
		annotations, err := helmAnnotations(body)
		if err != nil {
			return nil, err
		}
		if _, hook := annotations[HookAnnotation]; hook {
			return firstValue(body)
		}
		lines = dashes + "\n" + lines
	}
	return firstValue(lines)
}

// readLines returns the lines of a document as the YAMLReader of the API machinery
// gives them: each ends with a newline alone.
func readLines(text string) (string, error) {
	if strings.HasPrefix(text, dashes) {
		var row string
		row, text = cutRow(text)
		if row = strings.TrimSpace(row[len(dashes):]); row != "" && row[0] != '#' {
			return "", errSeparator
		}
	}
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	if text != "" && text[len(text)-1] != '\n' {
		text += "\n"
	}
	return text, nil
}

// firstValue decodes the first value of a text. All that follows it has to be empty.
func firstValue(text string) (any, error) {
	var first any
	decoder := yaml.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&first); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	for {
		var more any
		err := decoder.Decode(&more)
		if errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil || more != nil {
			return nil, errUnread
		}
	}
}

// helmAnnotations returns the annotations by which Helm tells hooks from other
// documents. It decodes a document for that alone, into a struct like this one
// (SimpleHead in helm.sh/helm/v3/pkg/releaseutil) and with the decoder of the standard
// library, to which "Annotations" is the same key.
func helmAnnotations(text string) (map[string]string, error) {
	var head struct {
		Version  string `json:"apiVersion"`
		Kind     string `json:"kind,omitempty"`
		Metadata *struct {
			Name        string            `json:"name"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata,omitempty"`
	}
	if err := sigsyaml.Unmarshal([]byte(text), &head); err != nil {
		return nil, err
	}
	if head.Metadata == nil || head.Metadata.Annotations == nil {
		return map[string]string{}, nil
	}
	return head.Metadata.Annotations, nil
}

// folds reports whether a map has a key that Helm's reader of heads takes for one of
// the names, though it is spelled differently.
func folds(m map[string]any, names ...string) bool {
	for key := range m {
		for _, name := range names {
			if key != name && strings.EqualFold(key, name) {
				return true
			}
		}
	}
	return false
}

// outerAnnotations returns the annotations of a document as Helm reads them to find
// hooks; nil if they are those of the value itself. Two carriage returns before a newline
// are two breaks to the one and a single break to the other.
func outerAnnotations(text string, value map[string]any, at Position) (map[string]string, error) {
	metadata, _ := value["metadata"].(map[string]any)
	if !folds(value, "apiVersion", "kind", "metadata") && !folds(metadata, "name", "annotations") && !strings.Contains(text, "\r\r\n") {
		return nil, nil
	}
	annotations, err := helmAnnotations(text)
	if err != nil {
		return nil, &SyntaxError{At: at, Reason: "Helm cannot read apiVersion, kind and metadata, for which it also takes keys in other case"}
	}
	return annotations, nil
}
