package git

import (
	"context"
	"strings"
)

// User returns git's name for the user in the working folder (user.name); "" if it is not
// set, or if git is not installed.
func User(ctx context.Context) string {
	out, err := (&Repository{Root: "."}).run(ctx, nil, "config", "--get", "user.name")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
