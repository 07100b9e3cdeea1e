package git

import (
	"context"
	"strings"
)

// User returns what git calls the person at work in the working folder (user.name); "" where
// it does not say, or where there is no git.
func User(ctx context.Context) string {
	out, err := (&Repository{Root: "."}).run(ctx, nil, "config", "--get", "user.name")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
