// Package traffic holds the rules about requests: whether they come to pods through Services,
// endpoints, Ingresses and HTTPRoutes, and from outside of the cluster, at each moment of the
// upgrade.
package traffic
