package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
)

// Reader is an account that may read everything and write nothing, Trier one that may
// do anything. The tokens are what they show to the API server, which keeps a log of
// all that they ask.
const (
	Reader      = "system:serviceaccount:ci:reader"
	ReaderToken = "reader"
	Trier       = "system:serviceaccount:ci:trier"
	TrierToken  = "trier"
)

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, users: ["` + Reader + `", "` + Trier + `"]}
- {level: None}
`

// readerRole is what the Reader may do.
const readerRole = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: lab-reader}
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: [get, list]}
- {nonResourceURLs: ["*"], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: lab-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: lab-reader}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: "` + Reader + `"}]
`

// admit lets the Reader in.
func (l *Lab) admit(ctx context.Context) error { return l.Apply(ctx, readerRole, "") }

// Request is what one of them has asked the API server.
type Request struct {
	User string
	// Verb is the API server's word for it, such as "get" or "patch"; URI has the
	// query, too.
	Verb, URI string
	// Code is the HTTP status of the answer.
	Code int
}

// Asked returns all that they have asked so far.
func (l *Lab) Asked() ([]Request, error) {
	file, err := os.Open(l.path("audit.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var requests []Request
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Verb           string
			User           struct{ Username string }
			RequestURI     string
			ResponseStatus struct{ Code int }
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, err
		}
		requests = append(requests, Request{event.User.Username, event.Verb, event.RequestURI, event.ResponseStatus.Code})
	}
	return requests, lines.Err()
}
