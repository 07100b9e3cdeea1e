#!/bin/sh
# Builds the container image as an OCI layout, dist/image:  hack/image.sh VERSION LDFLAGS
# ARCH is its processor, amd64 if it is not set. It has this machine's certificates of
# authorities, if they are where Debian keeps them.
set -eu
version=$1 ldflags=$2 arch=${ARCH:-amd64}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GOOS=linux GOARCH=$arch CGO_ENABLED=0 go build -trimpath -ldflags "$ldflags" -o "$work/helm-safe-diff" ./cmd/helm-safe-diff
certificates=/etc/ssl/certs/ca-certificates.crt
[ -f "$certificates" ] || certificates=
created=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
rm -rf dist/image
go run ./hack/image -program "$work/helm-safe-diff" -architecture "$arch" -version "$version" -certificates "$certificates" \
	-created "$created" -layout dist/image
echo "dist/image has helm-safe-diff:$version for linux/$arch; copy it with: skopeo copy oci:dist/image:$version docker://REGISTRY/helm-safe-diff:$version"
