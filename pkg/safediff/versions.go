package safediff

import "github.com/safe-diff/helm-safe-diff/pkg/apiserver"

// APIVersions returns what a cluster of a Kubernetes version serves that has nothing else
// installed, as templates see it in .Capabilities.APIVersions: versions such as "apps/v1",
// and kinds in them such as "apps/v1/Deployment". "" means the newest version that this
// program knows.
func APIVersions(kubeVersion string) ([]string, error) {
	server, err := apiserver.New(kubeVersion)
	if err != nil {
		return nil, err
	}
	return server.APIVersions(), nil
}
