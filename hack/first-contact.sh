#!/bin/sh
# Times the three ways in that the README names, on this machine:  hack/first-contact.sh VERSION HELM4
# In a fresh clone, with a Go cache of its own: building, then the archive for this platform,
# which Helm 4 installs, then the image. What is downloaded by then, Go's modules, is not timed.
set -eu
version=$1 helm=$2
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export GOCACHE="$work/cache" HELM_DATA_HOME="$work/data" HELM_CONFIG_HOME="$work/config" HELM_CACHE_HOME="$work/helm"

# timed WHAT COMMAND…: a command takes so long, and so much time of processors.
timed() {
	what=$1
	shift
	begin=$(date +%s)
	(
		"$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
		times >"$work/times"
	)
	printf '%-34s %5d s, of processors %s\n' "$what" "$(($(date +%s) - begin))" "$(tail -n 1 "$work/times")"
}

git clone -q . "$work/clone"
cd "$work/clone"
go mod download
echo "$(getconf _NPROCESSORS_ONLN) processors"
timed 'clone: make build, empty cache' make build
timed 'clone: make demo after that' make demo
# With the flags of make build, so that Kubernetes is compiled once.
PLATFORMS=$(go env GOOS)/$(go env GOARCH) BUILD_FLAGS='' hack/dist.sh "$version" '-s -w' >"$work/out"
timed 'archive: helm plugin install' "$helm" plugin install "$(echo "$PWD"/dist/*.tgz)" --verify=false
timed 'archive: helm safe-diff version' "$helm" safe-diff version
timed 'image: make image, Kubernetes anew' make image
ls -l bin/helm-safe-diff dist/*.tgz | awk '{ printf "%-34s %5.1f MB\n", $NF, $5 / 1e6 }'
du -sm dist/image | awk '{ printf "%-34s %5d MiB\n", $2, $1 }'
