// Package admission tells what the admission plugins of an API server refuse or fill in that ask other
// objects: admission policies, limits and quotas of namespaces, and the classes and accounts that pods
// name. It runs Kubernetes' own plugins in this process, and says which webhooks would be asked.
package admission
