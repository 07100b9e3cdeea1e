// Package cluster is what is known of a cluster: plain data, without a client. Package live
// fills it from an API server; whoever has it from elsewhere fills it as well.
package cluster

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// State is what a cluster holds of a release and around it, as far as it could be
// read. The zero State knows nothing.
type State struct {
	// Objects are the objects that were asked for. What is not in there was not
	// looked for.
	Objects map[manifest.Identity]Object
	// Surroundings are objects that decide what becomes of those: the pods, ReplicaSets
	// and ControllerRevisions of workloads, claims and volumes, disruption budgets,
	// autoscalers, limits, quotas, admission policies with their parameters, priority classes,
	// nodes, storage classes, definitions of custom resources.
	// Each is in the version in which the cluster serves it by preference. A list that could not
	// be read is missing as a whole and is in Unread.
	Surroundings []map[string]any
	// Selecting are objects that may select those that were asked for by their labels,
	// without status. They stand apart: they decide nothing but that.
	Selecting []map[string]any
	// Unseen says of which of these kinds the objects could not be read.
	Unseen []Gap
	// Unread says what could not be read, one clause each, with the permission that
	// is missing if that is the reason.
	Unread []Gap
}

// Object is one object that was asked for.
type Object struct {
	// Value is the object as the cluster has it, in the API version that was asked
	// for if the cluster serves it, else in another; nil if there is none, or if it
	// could not be read. The caller must not change it.
	Value map[string]any
	// Unread is why the object could not be read, one clause; "" if it was read or
	// is not there.
	Unread string
	// Unserved says that the cluster does not serve its kind in the version that was
	// asked for. If it serves it in no other, the object could not be read.
	Unserved bool
}

// Gap is something around the release that could not be read.
type Gap struct {
	// Kind is what was to be listed, such as "Pod", in Namespace ("" for all).
	Kind, Namespace string
	Reason          string
}

// Wanted is an object to read.
type Wanted struct {
	Ref manifest.Ref
	// Goes says that the upgrade deletes the object, so that what goes with it is
	// of interest: the content of a Namespace, the volume of a claim, the custom
	// resources of a definition.
	Goes bool
	// Deleted says that Helm asks the API server to delete the object, so that policies that may deny
	// that are of interest.
	Deleted bool
	// Mounts says that its pods mount claims, which need not be of the release.
	Mounts bool
	// Places says that pods may be made for it, which look for a node.
	Places bool
	// Asks says that the upgrade asks for an address or a port of the nodes for this
	// Service, so that the Services of all namespaces are of interest: one may have it.
	Asks bool
	// Sent says that the upgrade sends the object, so that what admission asks is of interest:
	// the limits and quotas of its namespace, the policies of the cluster and their parameters.
	Sent bool
	// LabelReaders are the kinds whose objects may select this one by labels that the
	// upgrade changes.
	LabelReaders []LabelReader
}

// LabelReader is a kind whose objects may select others. It is read if the cluster serves
// it in any version.
type LabelReader struct {
	Group, Kind string
	// Everywhere says that they are to be looked for in all namespaces, and else in
	// that of the object.
	Everywhere bool
}

// Object returns what is known of an object, and whether it was looked for and
// could be read at all.
func (s *State) Object(ref manifest.Ref) (value map[string]any, known bool) {
	if s == nil {
		return nil, false
	}
	o, asked := s.Objects[ref.Identity()]
	return o.Value, asked && o.Unread == ""
}

// Attempt is a change that the API server is asked to try and not to store.
type Attempt struct {
	Ref manifest.Ref
	// Create says that the object is to be created, Type is the media type of a
	// patch; without both the object is replaced.
	Create bool
	Type   string
	Body   []byte
	// Force is for server-side apply: fields of others are taken.
	Force bool
}

// Answer is what the API server makes of an Attempt: exactly one of its fields is
// set.
type Answer struct {
	// Value is the object as it would be stored.
	Value map[string]any
	// Refused is why it would not be.
	Refused *apierrors.StatusError
	// Unknown is why there is no answer, one clause.
	Unknown string
}
