#!/bin/sh
# Moves Kubernetes and all its staging modules to one release, together.
#
#   hack/bump-kubernetes.sh 1.37.2
#
# k8s.io/kubernetes asks for its staging modules at v0.0.0, which exists nowhere;
# the versions come from our own go.mod, so they must all be named there. go mod
# tidy then drops the ones that no package needs.
set -eu
version=${1:?usage: hack/bump-kubernetes.sh 1.MINOR.PATCH}
staging=0.${version#1.}
cd "$(dirname "$0")/.."
set -- "-require=k8s.io/kubernetes@v$version"
for module in api apiextensions-apiserver apimachinery apiserver cli-runtime client-go \
	cloud-provider cluster-bootstrap component-base component-helpers controller-manager \
	cri-api cri-client cri-streaming csi-translation-lib dynamic-resource-allocation \
	endpointslice externaljwt kms kube-aggregator kube-controller-manager kube-proxy \
	kube-scheduler kubectl kubelet metrics mount-utils pod-security-admission streaming; do
	set -- "$@" "-require=k8s.io/$module@v$staging"
done
go mod edit "$@"
go mod tidy
go -C test/controlplane mod edit "$@"
go -C test/controlplane mod tidy
echo "now set the version in Makefile and test/observed/setting.go" >&2
