package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// silentCluster is said of all that there was no answer to, in time or ever, so
	// that the words do not depend on which request came first.
	silentCluster = "the cluster does not answer in time"
	cutConnection = "the connection to the cluster was cut"
	// longestMessage is how much of what a server says is repeated.
	longestMessage = 200
)

// reason returns why an outcome is not what was asked for, as one clause. What
// was to be done is a permission, for an API server that forbids it: "get
// deployments.apps in namespace \"prod\"".
func reason(o outcome, permission string) string {
	switch {
	case o.skipped != "":
		return o.skipped
	case o.late:
		return silentCluster
	case o.err != nil:
		return connectionReason(o.err, o.status != 0)
	case o.status == http.StatusForbidden:
		return "no permission to " + permission
	case o.status == http.StatusUnauthorized:
		return "the cluster does not accept the credentials (401 Unauthorized)"
	case o.status == http.StatusTooManyRequests:
		return "the cluster is too busy (429 Too Many Requests)"
	}
	text := fmt.Sprintf("the cluster answers %d %s", o.status, http.StatusText(o.status))
	if message := serverMessage(o.body); message != "" {
		text += ": " + message
	}
	return text
}

// allNamespaces stands for a namespace where what lives in all of them is listed.
const allNamespaces = "*"

// permission names what RBAC has to allow, as `kubectl auth can-i` takes it. The
// namespace is "" for what lives in none.
func permission(verb, resource, group, namespace string) string {
	text := verb + " " + resource
	if group != "" {
		text += "." + group
	}
	switch namespace {
	case "":
		return text
	case allNamespaces:
		return text + " in all namespaces"
	default:
		return fmt.Sprintf("%s in namespace %q", text, namespace)
	}
}

// notThere reports whether the API server looked for an object and found none.
// That it does not know the path, or that a proxy does not, is another matter.
func notThere(o outcome) bool {
	return o.status == http.StatusNotFound && o.err == nil && status(o.body).Reason == metav1.StatusReasonNotFound
}

// serverMessage returns what an API server says about an error, on one line; ""
// for what is not its answer, such as the page of a proxy.
func serverMessage(body []byte) string { return oneLine(status(body).Message) }

// status returns what an API server says about an error; nothing if this is not
// its answer.
func status(body []byte) metav1.Status {
	var s metav1.Status
	if json.Unmarshal(body, &s) != nil || s.Kind != "Status" {
		return metav1.Status{}
	}
	return s
}

// oneLine returns text without line breaks, and not too long.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longestMessage {
		return string(runes[:longestMessage]) + "…"
	}
	return text
}

// connectionReason returns why there was no answer, or only the begin of one. It
// leaves out the address of this end of the connection, which is another one each
// time.
func connectionReason(err error, begun bool) string {
	if begun {
		return cutConnection
	}
	if outer := new(url.Error); errors.As(err, &outer) {
		err = outer.Err
	}
	if op := new(net.OpError); errors.As(err, &op) {
		if !unreachable(err) {
			return cutConnection
		}
		err = op.Err
	} else if unexpectedEnd(err) {
		return cutConnection
	}
	return "the cluster cannot be reached: " + oneLine(err.Error())
}

// unreachable reports whether an error is of a connection that there never was,
// so that nothing was sent.
func unreachable(err error) bool {
	op := new(net.OpError)
	return errors.As(err, &op) && op.Op != "read" && op.Op != "write" && op.Op != "close"
}

// timedOut reports whether an error is that the time was up.
func timedOut(err error) bool {
	timeout := net.Error(nil)
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// unexpectedEnd reports whether an error is that a connection ended, in the words
// of net/http: not all of these errors can be told by their type.
func unexpectedEnd(err error) bool {
	for _, words := range []string{"EOF", "server closed idle connection", "http2: client connection lost", "stream error", "GOAWAY"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}
