package admission

import (
	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// RefuseDeletion says why policies deny that an object is deleted, "" if none does, and what they
// warn of. stored is the object as the server has it.
func (g *Guards) RefuseDeletion(o *manifest.Object, stored *apiserver.Result) (why string, warnings []string) {
	if g == nil || g.policies == nil {
		return "", nil
	}
	attributes := g.server.Deletion(o, stored)
	if attributes == nil {
		return "", nil
	}
	return g.policies.ask(attributes)
}

// UnclearDeletion says of which policies is not known whether they deny that.
func (g *Guards) UnclearDeletion(o *manifest.Object, stored *apiserver.Result) []string {
	if g == nil || g.policies == nil {
		return nil
	}
	return g.policies.unclear(g.server.Deletion(o, stored), "that it is deleted")
}
