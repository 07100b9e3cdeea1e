package live

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"k8s.io/apimachinery/pkg/util/json"
)

const (
	// pageSize is how many objects are listed at a time, as `kubectl get` does
	// (--chunk-size).
	pageSize = 500
	// bareLists asks for lists with the metadata of objects only. There is no
	// second choice behind it: a server that cannot do this must not send more.
	bareLists = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
)

// list reads a list, page by page, and returns its objects or why it could not be
// read, one clause.
func (r *Reader) list(ctx context.Context, l listing) (items []map[string]any, failure string) {
	q := request{endpoint: l.endpoint(), path: l.path()}
	if l.bare {
		q.accept = bareLists
	}
	next, limit := "", pageSize
	for {
		q.query = url.Values{}
		if limit > 0 {
			q.query.Set("limit", strconv.Itoa(limit))
		}
		if next != "" {
			q.query.Set("continue", next)
		}
		o := r.get(ctx, q)
		switch {
		case o.status == http.StatusGone && next != "" && limit > 0:
			// The list changed too much meanwhile. All at once is always possible, and
			// what client-go's pager does.
			items, next, limit = nil, "", 0
			continue
		case o.status == http.StatusNotFound: // a list that is empty is found
			return nil, fmt.Sprintf("the cluster does not serve %s of %s", l.resource, l.endpoint())
		case !o.ok():
			return nil, reason(o, l.permission())
		}
		var page page
		if err := json.Unmarshal(o.body, &page); err != nil {
			return nil, "the answer of the cluster is no list"
		}
		for _, item := range page.Items {
			items = append(items, slim(item, l.kind, l.bare))
		}
		switch page.Metadata.Continue {
		case "":
			return items, ""
		case next:
			return nil, "the list of the cluster has no end"
		}
		next = page.Metadata.Continue
	}
}

// page is a part of a list.
type page struct {
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Items []map[string]any `json:"items"`
}

// path returns where the API server serves a list.
func (l listing) path() string {
	if l.namespace == "" {
		return l.endpoint().path() + "/" + l.resource
	}
	return l.endpoint().path() + "/namespaces/" + l.namespace + "/" + l.resource
}

// slim returns an object of a list with its apiVersion and kind, which the API
// server leaves out of lists, and without what is large and decides nothing. Of a
// bare object only the metadata stay, without annotations: kubectl keeps the whole
// object there that it applied, so that even those of a Secret have its content.
// The item is changed.
func slim(item map[string]any, k kind, bare bool) map[string]any {
	if bare {
		metadata := item["metadata"]
		item = map[string]any{}
		if metadata != nil {
			item["metadata"] = metadata
		}
	}
	if item == nil {
		item = map[string]any{}
	}
	item["apiVersion"], item["kind"] = k.endpoint().String(), k.name
	if metadata, ok := item["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
		if bare {
			delete(metadata, "annotations")
		} else if annotations, ok := metadata["annotations"].(map[string]any); ok {
			maps.DeleteFunc(annotations, func(key string, _ any) bool { return key == lastApplied })
		}
	}
	if status, ok := item["status"].(map[string]any); ok && k == nodes() {
		delete(status, "images")
	}
	return item
}

// lastApplied is the annotation in which `kubectl apply` keeps the object
// (LastAppliedConfigAnnotation in k8s.io/api/core/v1).
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
