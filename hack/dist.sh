#!/bin/sh
# Builds the release archives:  hack/dist.sh VERSION LDFLAGS
#
# Each holds the plugin as Helm 4 expects it: in the folder that is called what stands
# before the version in the name of the archive, the first plugin.yaml being its own.
# checksums.txt names their SHA-256. THIRD_PARTY_NOTICES in it has the licences of what is
# linked into the program, ARCHIVE.spdx.json beside it lists that.
#
# SIGNING_KEY, if it is set, is a key of gpg that signs each archive: ARCHIVE.prov is
# what Helm 4 asks for unless it is told --verify=false.
#
# dist/plugin has all archives as artifacts for an OCI registry, each with its signature.
#
# PLATFORMS are those to build for; all that are released if it is not set. DIST is the
# folder for the archives, dist if it is not set. BUILD_FLAGS takes the place of -trimpath:
# a test that sets it to nothing compiles nothing that the other tests have compiled.
set -eu
version=$1 ldflags=$2
cd "$(dirname "$0")/.."
dist=${DIST:-dist}
rm -rf "$dist"
# The same commit makes the same archives.
stamp=$(git log -1 --format=%ct)
created=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
for platform in ${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}; do
	os=${platform%/*} arch=${platform#*/}
	exe=helm-safe-diff
	[ "$os" != windows ] || exe=helm-safe-diff.exe
	root=$dist/$os-$arch/safe-diff
	archive=safe-diff-$version-$os-$arch.tgz
	mkdir -p "$root/bin"
	GOOS=$os GOARCH=$arch CGO_ENABLED=0 go build ${BUILD_FLAGS--trimpath} -ldflags "$ldflags" -o "$root/bin/$exe" ./cmd/helm-safe-diff
	cp plugin.yaml plugin.complete install-binary.sh LICENSE README.md "$root"
	go run ./hack/notices -notices "$root/THIRD_PARTY_NOTICES" -sbom "$dist/${archive%.tgz}.spdx.json" \
		-version "$version" -created "$created" "$root/bin/$exe"
	cp -R diff "$root" # the same program as the plugin "diff"
	cp -R gate "$root" # and as a post-renderer of Helm 4
	tar -C "$dist/$os-$arch" --owner=0 --group=0 --numeric-owner --mtime="@$stamp" --mode=go-w,a+r --sort=name -cf - \
		safe-diff/plugin.yaml safe-diff/plugin.complete safe-diff/install-binary.sh safe-diff/LICENSE safe-diff/THIRD_PARTY_NOTICES safe-diff/README.md \
		safe-diff/bin safe-diff/diff safe-diff/gate | gzip -n >"$dist/$archive"
	rm -rf "${dist:?}/$os-$arch"
	if [ -n "${SIGNING_KEY:-}" ]; then
		# Helm 4 keeps the archive under the second name when it is installed.
		sum=$(sha256sum "$dist/$archive" | cut -d ' ' -f 1)
		{
			cat plugin.yaml
			printf '\n...\nfiles:\n  %s: sha256:%s\n  %s: sha256:%s\n' "$archive" "$sum" "safe-diff-$version.tgz" "$sum"
		} | gpg --batch --local-user "$SIGNING_KEY" --clearsign --output "$dist/$archive.prov"
	fi
	go run ./hack/artifact -archive "$dist/$archive" -tag "$version-$os-$arch" -created "$created" -layout "$dist/plugin"
done
# What the changelog says of this version is the text of the release.
awk -v version="$version" '/^## / { on = $2 == version; next } on' CHANGELOG.md >"$dist/notes.md"
(cd "$dist" && sha256sum ./*.tgz | sed 's# \./# #' >checksums.txt)
cat "$dist/checksums.txt"
