package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestComment holds that the action writes one comment, updates its own and nobody else's,
// and warns where it cannot. A stand-in for gh notes how it is called.
func TestComment(t *testing.T) {
	const marked = `"body": "<!-- helm-safe-diff charts -->\nold"`
	posted := "POST repos/shop/charts/issues/7/comments body=@comment.md\n"
	for name, test := range map[string]struct{ comments, want string }{
		"the first run":             {`[{"id": 1, "user": {"type": "Bot"}, "body": "other"}]`, posted},
		"a later run":               {`[{"id": 1, "user": {"type": "User"}, ` + marked + `}, {"id": 2, "user": {"type": "Bot"}, ` + marked + `}, {"id": 3, "user": {"type": "Bot"}, ` + marked + `}]`, "PATCH repos/shop/charts/issues/comments/2 body=@comment.md\n"},
		"somebody else's, the same": {`[{"id": 1, "user": {"type": "User"}, ` + marked + `}]`, posted},
		"a token that cannot read":  {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, bin := t.TempDir(), t.TempDir()
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(self, filepath.Join(bin, "gh")); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{"comments.json": test.comments, "comment.md": "<!-- helm-safe-diff charts -->\nnew"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			root, err := filepath.Abs("../..")
			if err != nil {
				t.Fatal(err)
			}
			code, out := run(t, dir, bin, githubSteps(t, root, "", "")[2])
			calls, err := os.ReadFile(filepath.Join(dir, "calls"))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if warned := strings.Contains(out, "::warning"); code != 0 || string(calls) != test.want || warned != (test.want == "") {
				t.Errorf("exit code %d, calls %q, want %q:\n%s", code, calls, test.want, out)
			}
		})
	}
}

// commentQuery is the one query that the stand-in understands; it is not a jq.
const commentQuery = `.[] | select(.user.type == "Bot" and (.body | startswith("<!-- helm-safe-diff charts -->"))) | .id`

// ghStandIn answers as "gh api" does, from comments.json, and notes in the file calls what it
// is to write. An empty file is a token that may do nothing.
func ghStandIn() {
	if err := answerAsGh(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answerAsGh(args []string) error {
	if at := slices.Index(args, "--method"); at >= 0 {
		file, err := os.OpenFile("calls", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(file, args[at+1], args[at+2], args[len(args)-1])
		return errors.Join(err, file.Close())
	}
	if at := slices.Index(args, "--jq"); at < 0 || args[at+1] != commentQuery {
		return fmt.Errorf("the stand-in does not understand %q", args)
	}
	text, err := os.ReadFile("comments.json")
	if err != nil {
		return err
	}
	var comments []struct {
		ID   int                   `json:"id"`
		User struct{ Type string } `json:"user"`
		Body string                `json:"body"`
	}
	if err := json.Unmarshal(text, &comments); err != nil {
		return err
	}
	for _, c := range comments {
		if c.User.Type == "Bot" && strings.HasPrefix(c.Body, "<!-- helm-safe-diff charts -->") {
			if _, err := fmt.Fprintln(os.Stdout, c.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
