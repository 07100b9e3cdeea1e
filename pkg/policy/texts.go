package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
)

// Text is a file of a policy. The zero Text means that there is no file.
type Text struct {
	// Path is the path of the file in its repository, slash-separated. Without a repository,
	// it is the path in the file system.
	Path string
	// Name is the name of the file in messages.
	Name string
	// Text is the content of the file.
	Text string
}

// Texts are the files of a policy in one place: a working folder or a commit.
type Texts struct{ Policy, Accepted Text }

// same reports whether two files are in the same place and say the same. Comments and YAML
// style do not count.
func (t *Text) same(u *Text) bool {
	return t.Path == u.Path && (t.Text == u.Text || reflect.DeepEqual(meaning(t.Text), meaning(u.Text)))
}

// Same reports whether two policies are in the same places and say the same.
func (t *Texts) Same(u *Texts) bool { return t.Policy.same(&u.Policy) && t.Accepted.same(&u.Accepted) }

// Digest identifies what the files say, and where they are. Comments do not count. It is a
// full SHA-256, because the author of a policy could search for two policies with the same
// shorter digest.
func (t *Texts) Digest() string {
	text, err := json.Marshal([]any{t.Policy.Path, meaning(t.Policy.Text), t.Accepted.Path, meaning(t.Accepted.Text)})
	if err != nil { // it contains only text, lists and maps
		text = []byte(t.Policy.Path + "\x00" + t.Policy.Text + "\x00" + t.Accepted.Path + "\x00" + t.Accepted.Text)
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Merge applies the changes from old to ours to theirs, and returns the result. clash says
// that both sides have changed the same file in different ways. Then that file is the one
// of ours.
func Merge(old, theirs, ours *Texts) (merged Texts, clash bool) {
	one := func(old, theirs, ours *Text) Text {
		switch {
		case ours.same(old):
			return *theirs
		case !theirs.same(old) && !theirs.same(ours):
			clash = true
		}
		return *ours
	}
	merged.Policy = one(&old.Policy, &theirs.Policy, &ours.Policy)
	merged.Accepted = one(&old.Accepted, &theirs.Accepted, &ours.Accepted)
	return merged, clash
}

// Edits lists the entries in which two policies differ. A file that is not YAML has no
// entries.
func Edits(old, updated *Texts) []change.Edit {
	entries := func(t *Texts) map[string]any {
		all := map[string]any{}
		for _, text := range []string{t.Policy.Text, t.Accepted.Text} {
			if fields, is := meaning(text).(map[string]any); is {
				for name, value := range fields {
					all[name] = value
				}
			}
		}
		return all
	}
	return diff.Values(entries(old), entries(updated))
}

// unreadable is the meaning of a text that this package cannot read: its bytes.
type unreadable struct{ Text string }

// maxNodes is how many nodes a file may have before it counts as unreadable. With aliases,
// a short file can expand without end.
const maxNodes = 1 << 17

// meaning returns everything that Read and ReadAccepted can know about a text: maps, lists,
// the text of values as written, and nil for null.
func meaning(text string) any {
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(text))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return unreadable{text}
	}
	left := maxNodes
	value, ok := plain(&doc, &left)
	if err := decoder.Decode(&second); !ok || !errors.Is(err, io.EOF) {
		return unreadable{text}
	}
	return value
}

// plain returns the value of a node. It fails for what a policy file must not contain.
func plain(n *yaml.Node, left *int) (value any, ok bool) {
	if *left--; *left < 0 {
		return nil, false
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, true
		}
		return plain(n.Content[0], left)
	case yaml.AliasNode:
		return plain(n.Alias, left)
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return nil, true
		}
		return n.Value, true
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			if list[i], ok = plain(item, left); !ok {
				return nil, false
			}
		}
		return list, true
	case yaml.MappingNode:
		fields := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if _, twice := fields[key.Value]; twice || key.Kind != yaml.ScalarNode {
				return nil, false
			}
			if fields[key.Value], ok = plain(n.Content[i+1], left); !ok {
				return nil, false
			}
		}
		return fields, true
	default:
		return nil, false
	}
}
