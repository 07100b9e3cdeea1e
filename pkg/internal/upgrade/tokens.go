package upgrade

import (
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// tokenType is the type of Secrets that hold the token of a ServiceAccount.
const tokenType = "kubernetes.io/service-account-token" //nolint:gosec // the type of a Secret

// TokenGone tells why the tokens controller deletes a Secret that the release has before and
// after, and because of which object; "" for one that it leaves alone. It deletes the tokens of an
// account that is gone, and those whose account has another UID than the one that they were made
// for (syncServiceAccount and syncSecret in k8s.io/kubernetes/pkg/controller/serviceaccount).
func (u *Upgrade) TokenGone(o *Object) (because string, by *Object) {
	if o.Old == nil || o.New == nil || o.Ref().Kind != "Secret" || o.Ref().Group != "" || !o.New.MayHold(tokenType) || !o.Old.MayHold(tokenType) {
		return "", nil
	}
	was, is := tokenAccount(o.Standing(Before)), tokenAccount(o.Standing(After))
	account := u.Object(manifest.Identity{Kind: "ServiceAccount", Namespace: o.Ref().Namespace, Name: was})
	switch {
	case was == "" || is == "":
		return "", nil
	case was != is && o.Does(change.Update):
		return fmt.Sprintf("the tokens controller deletes it, as its token is that of ServiceAccount %s and it names %s now", was, is), o
	case account != nil && (account.goes() || account.Does(change.Recreate)):
		return "the tokens controller deletes it together with ServiceAccount " + was, account
	default:
		return "", nil
	}
}

// tokenAccount returns the name of the account whose token a Secret holds; "" for all others.
func tokenAccount(o *manifest.Object) string {
	value := Value(o)
	if untyped.Text(value, "type") != tokenType {
		return ""
	}
	return untyped.Text(value, "metadata", "annotations", "kubernetes.io/service-account.name")
}
