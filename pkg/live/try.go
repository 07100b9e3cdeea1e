package live

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"
)

// fieldManager is the name under which Helm applies.
const fieldManager = "helm"

// Try sends a change with dryRun=All, as Helm would send it without. It must be a
// Reader with the option DryRun.
func (r *Reader) Try(ctx context.Context, a Attempt) Answer {
	if flaw := unsafePath(a.Ref); flaw != "" {
		return Answer{Unknown: flaw}
	}
	e := endpoint{a.Ref.Group, a.Ref.Version}
	served := r.catalogue(ctx, e)
	res, found := served.kinds[a.Ref.Kind]
	if !found {
		return Answer{Unknown: cmp.Or(served.reason, fmt.Sprintf("the cluster does not serve %s of %s", a.Ref.Kind, e))}
	}
	q := request{endpoint: e, path: e.path(), body: a.Body, method: http.MethodPut, media: "application/json"}
	namespace := ""
	if res.namespaced {
		namespace = a.Ref.Namespace
		q.path += "/namespaces/" + namespace
	}
	q.path += "/" + res.name
	verb := "update"
	switch {
	case a.Type != "":
		q.method, q.media, verb = http.MethodPatch, a.Type, "patch"
	case a.Create:
		q.method, verb = http.MethodPost, "create"
	}
	if q.method != http.MethodPost {
		q.path += "/" + a.Ref.Name
	}
	q.query = url.Values{"dryRun": {"All"}, "fieldManager": {fieldManager}}
	if a.Force {
		q.query.Set("force", "true")
	}
	return answer(r.get(ctx, q), permission(verb, res.name, e.group, namespace))
}

// answer reads what came back.
func answer(o outcome, permission string) Answer {
	if o.err != nil || o.skipped != "" || o.status == http.StatusUnauthorized || o.status == http.StatusTooManyRequests || o.status >= 500 {
		return Answer{Unknown: reason(o, permission)}
	}
	if o.status == http.StatusOK || o.status == http.StatusCreated {
		var value map[string]any
		if err := json.Unmarshal(o.body, &value); err != nil || value == nil {
			return Answer{Unknown: "the answer of the cluster is no object"}
		}
		return Answer{Value: value}
	}
	var status metav1.Status
	if err := json.Unmarshal(o.body, &status); err != nil || status.Status != metav1.StatusFailure {
		return Answer{Unknown: reason(o, permission)}
	}
	refused := &apierrors.StatusError{ErrStatus: status}
	if forbiddenByRBAC(refused) {
		return Answer{Unknown: "no permission to " + permission}
	}
	return Answer{Refused: refused}
}

// forbiddenByRBAC tells a missing permission from the refusal of an admission plugin,
// which the API server answers with the same status: only of the former does it know
// no causes, and it says so in words of its own (Forbidden in
// k8s.io/apiserver/pkg/endpoints/handlers/responsewriters).
func forbiddenByRBAC(err *apierrors.StatusError) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), " cannot ")
}
