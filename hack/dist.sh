#!/bin/sh
# Builds the release archives:  hack/dist.sh VERSION LDFLAGS
# Each holds the plugin as `helm plugin install` expects it; checksums.txt names
# their SHA-256.
set -eu
version=$1 ldflags=$2
cd "$(dirname "$0")/.."
rm -rf dist
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do
	os=${platform%/*} arch=${platform#*/}
	exe=helm-safe-diff
	[ "$os" != windows ] || exe=helm-safe-diff.exe
	root=dist/$os-$arch/safe-diff
	mkdir -p "$root/bin"
	GOOS=$os GOARCH=$arch CGO_ENABLED=0 go build -trimpath -ldflags "$ldflags" -o "$root/bin/$exe" ./cmd/helm-safe-diff
	cp plugin.yaml plugin.complete install-binary.sh LICENSE README.md "$root"
	cp -R diff "$root" # the same program as the plugin "diff"
	cp -R gate "$root" # and as a post-renderer of Helm 4
	tar -C "dist/$os-$arch" -czf "dist/helm-safe-diff_${version}_${os}_${arch}.tgz" safe-diff
	rm -rf "dist/$os-$arch"
done
(cd dist && sha256sum ./*.tgz | sed 's# \./# #' > checksums.txt)
cat dist/checksums.txt
