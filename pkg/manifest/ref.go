package manifest

import "strings"

// Ref names one object. Two objects are the same one if all but the version
// agree; that is the rule by which Helm itself pairs the objects of two
// releases (isMatchingInfo in helm.sh/helm/v3/pkg/kube).
type Ref struct {
	Group     string
	Version   string
	Kind      string
	Namespace string // "" for a cluster-scoped object
	Name      string // "" if the API server is to generate it
}

// Identity is a Ref without the version: what Helm compares.
type Identity struct{ Group, Kind, Namespace, Name string }

// Identity returns what Helm compares to tell whether two objects are one.
func (r Ref) Identity() Identity {
	return Identity{r.Group, r.Kind, r.Namespace, r.Name}
}

// APIVersion returns group and version as a manifest writes them.
func (r Ref) APIVersion() string {
	if r.Group == "" {
		return r.Version
	}
	return r.Group + "/" + r.Version
}

// GroupKind returns group and kind as kubectl writes them: "Service",
// "Deployment.apps".
func (r Ref) GroupKind() string {
	if r.Group == "" {
		return r.Kind
	}
	return r.Kind + "." + r.Group
}

// String returns the object as people name it: "Deployment prod/web", or
// "ClusterRole reader" for one that lives in no namespace.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

// Compare orders objects for a report: by kind, namespace, name and group.
func (r Ref) Compare(s Ref) int {
	for _, pair := range [...][2]string{
		{r.Kind, s.Kind}, {r.Namespace, s.Namespace}, {r.Name, s.Name}, {r.Group, s.Group}, {r.Version, s.Version},
	} {
		if c := strings.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}

func splitAPIVersion(apiVersion string) (group, version string) {
	group, version, found := strings.Cut(apiVersion, "/")
	if !found {
		return "", apiVersion
	}
	return group, version
}
