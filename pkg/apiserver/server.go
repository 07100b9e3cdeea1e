// Package apiserver tells what a Kubernetes API server would store, or why it
// would refuse, if Helm applied an object to it.
//
// It holds no rules of its own. It runs the API server's code in this process:
// the schemes that default and convert (k8s.io/kubernetes/pkg/apis), the
// strategies that prepare, validate and canonicalise (pkg/registry), and, for
// what Helm sends, the three-way strategic merge that Helm itself uses. Nothing
// is read or written but the arguments.
package apiserver

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	apiextensionsinstall "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/klog/v2"
	aggregatorinstall "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/capabilities"
)

// The Kubernetes minors that can be judged. Newest is the one whose code is
// linked; for older ones its feature gates are set back.
const (
	Oldest = 30
	Newest = 37
)

// Server is an API server of one Kubernetes version, with nothing stored in it.
// It is safe for concurrent use.
type Server struct {
	minor    int
	kinds    map[schema.GroupKind]kind
	services *services
	served   *sync.Map // answers of unserved by GroupVersionKind
	appliers *appliers
	// equivalents are the versions of each kind.
	equivalents *equivalents
	facts       Facts
	taken       map[string]bool // addresses and node ports that other Services have
	// mutating changes what is sent, mutated has changed what is there; nil for nothing that does.
	mutating, mutated Mutator
}

// Facts are what the judgement of an object needs and its manifest does not say.
type Facts struct {
	// Release and Namespace are what Helm writes into the objects it owns.
	Release, Namespace string
	// Expandable tells of the StorageClasses at hand whether their volumes may
	// grow.
	Expandable map[string]bool
	// DefaultClass is the StorageClass of claims that name none; "" if that is not
	// known.
	DefaultClass string
	// Definitions are the CustomResourceDefinitions at hand; nil if there are none.
	Definitions *Definitions
	// ServerSide says that Helm applies on the server's side, as Helm 4 does
	// with releases that it installed, and not by a three-way merge.
	ServerSide bool
	// Replace says that Helm sends manifests in the place of what is there, and
	// merges nothing (--force, --force-replace).
	Replace bool
	// ForceConflicts says that Helm takes fields that somebody else owns
	// (--force-conflicts); only with ServerSide.
	ForceConflicts bool
}

// installExtensions registers the two groups that are not part of
// k8s.io/kubernetes with its scheme, once in a process.
var installExtensions = sync.OnceFunc(func() { //nolint:gochecknoglobals // once in a process
	apiextensionsinstall.Install(legacyscheme.Scheme)
	aggregatorinstall.Install(legacyscheme.Scheme)
	// Whether a privileged container is allowed is for policies to say; the
	// API server proper allows it unless it is told not to.
	capabilities.Setup(true, 0)
	// The API server's code logs what it assigns and, where two generations of
	// validation disagree, the values it saw, those of Secrets included.
	klog.SetLogger(logr.Discard())
})

// New returns a server of the given Kubernetes version, such as "1.36" or
// "v1.36.3+k3s1"; "" is the newest. A version out of range is judged as the
// nearest one in range; Version tells which.
//
// The version is a property of the process, since Kubernetes keeps its feature
// gates in a global: the last New counts.
func New(kubeVersion string) (*Server, error) {
	minor, err := parseMinor(kubeVersion)
	if err != nil {
		return nil, err
	}
	minor = min(max(minor, Oldest), Newest)
	installExtensions()
	if err := utilfeature.DefaultMutableFeatureGate.SetEmulationVersion(version.MajorMinor(1, uint(minor))); err != nil {
		return nil, fmt.Errorf("emulate Kubernetes 1.%d: %w", minor, err)
	}
	services, err := newServices()
	if err != nil {
		return nil, err
	}
	return &Server{minor: minor, kinds: builtin(), services: services, served: &sync.Map{}, appliers: &appliers{}, equivalents: newEquivalents()}, nil
}

// Knowing returns a copy of the server that knows the given facts.
func (s *Server) Knowing(facts Facts) *Server {
	knowing := *s
	knowing.facts = facts
	return &knowing
}

// Besides returns a copy of the server on which other Services have the given
// addresses and ports, as Allocated names them.
func (s *Server) Besides(taken map[string]bool) *Server {
	besides := *s
	besides.taken = taken
	return &besides
}

// Merging returns a copy of the server on which Helm merges three ways. That gives what server-side apply
// does where nobody but Helm owns what its manifests say.
func (s *Server) Merging() *Server {
	merging := *s
	merging.facts.ServerSide = false
	return &merging
}

// Version returns the Kubernetes version that the server judges for, such as "1.37".
func (s *Server) Version() string { return fmt.Sprintf("1.%d", s.minor) }

// InRange reports whether a Kubernetes version can be judged as it is.
func InRange(kubeVersion string) bool {
	minor, err := parseMinor(kubeVersion)
	return err == nil && minor >= Oldest && minor <= Newest
}

func parseMinor(kubeVersion string) (int, error) {
	if kubeVersion == "" {
		return Newest, nil
	}
	parts := strings.SplitN(strings.TrimPrefix(kubeVersion, "v"), ".", 3)
	if len(parts) > 1 && parts[0] == "1" {
		digits := parts[1]
		if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			digits = digits[:end]
		}
		if minor, err := strconv.Atoi(digits); err == nil {
			return minor, nil
		}
	}
	return 0, fmt.Errorf("unknown Kubernetes version %q; write it as 1.%d or v1.%d.0", kubeVersion, Newest, Newest)
}

// Namespaced reports whether objects of a kind live in a namespace. A kind that
// neither the API server brings along nor a definition at hand describes is taken
// to.
func (s *Server) Namespaced(group, kind string) bool {
	gk := schema.GroupKind{Group: group, Kind: kind}
	if k, known := s.kinds[gk]; known {
		return k.strategy.NamespaceScoped()
	}
	return s.facts.Definitions.namespaced(gk)
}

// BuiltinGroup reports whether the API server itself serves kinds of a group.
func (s *Server) BuiltinGroup(group string) bool {
	for gk := range s.kinds {
		if gk.Group == group {
			return true
		}
	}
	return false
}

// Builtin reports whether the API server itself serves the kind, as opposed to a
// custom resource.
func (s *Server) Builtin(group, kind string) bool {
	_, known := s.kinds[schema.GroupKind{Group: group, Kind: kind}]
	return known
}
