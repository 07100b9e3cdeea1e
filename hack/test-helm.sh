#!/bin/sh
# Installs the plugin from this clone into real Helm 3 and Helm 4, each with a home
# of its own, and runs it:  HELM3=… HELM4=… hack/test-helm.sh
set -eu
cd "$(dirname "$0")/.."
charts=$(pwd)/testdata/charts
export KUBECONFIG=/dev/null

fail() { echo "FAIL: $*" >&2; exit 1; }

# want CODE COMMAND…: runs the command and holds its exit code against CODE.
want() {
	expected=$1
	shift
	code=0
	"$@" >"$home/out" 2>"$home/err" || code=$?
	[ "$code" -eq "$expected" ] || { cat "$home/out" "$home/err" >&2; fail "$*: exit code $code, want $expected"; }
}

says() { grep -q -e "$1" "$home/out" || { cat "$home/out" "$home/err" >&2; fail "no \"$1\" in the output"; }; }

for helm in "$HELM3" "$HELM4"; do
	home=$(mktemp -d)
	trap 'rm -rf "$home"' EXIT
	export HELM_DATA_HOME="$home/data" HELM_CONFIG_HOME="$home/config" HELM_CACHE_HOME="$home/cache"
	"$helm" version --short
	want 0 "$helm" plugin install .
	want 0 "$helm" plugin list
	says safe-diff
	want 0 "$helm" safe-diff version
	want 3 "$helm" safe-diff local "$charts/shop/1.4.2" "$charts/shop/1.5.0" --release shop --namespace prod
	says '^ROLLS'
	says prod/
	want 0 "$helm" safe-diff local "$charts/shop/1.4.2" "$charts/shop/1.4.3" --release shop -n prod
	says '^NOTHING'
	want 1 "$helm" safe-diff upgrade shop "$charts/shop/1.5.0"
	[ ! -s "$home/out" ] || fail "an error wrote to stdout"
	want 0 "$helm" __complete safe-diff ''
	says upgrade
	want 0 "$helm" __complete safe-diff local --output ''
	says json
	want 0 "$helm" safe-diff version --folder
	folder=$(cat "$home/out")
	want 0 "$helm" plugin install "$folder/diff"
	want 0 "$helm" plugin list
	says '^diff.*3\.15'
	want 2 "$helm" diff local "$charts/shop/1.4.2" "$charts/shop/1.4.3" --release shop --namespace prod --detailed-exitcode
	says '^NOTHING'
	want 3 "$helm" diff local "$charts/shop/1.4.2" "$charts/shop/1.5.0" --release shop --detailed-exitcode --suppress-secrets
	want 0 "$helm" __complete diff ''
	says rollback
	want 0 "$helm" plugin uninstall diff
	want 0 "$helm" plugin uninstall safe-diff
	rm -rf "$home"
	echo "ok  $helm"
done

# An archive of a release installs into Helm 4; the folder of the plugin is safe-diff.
home=$(mktemp -d)
version=$(sed -n 's/^version: *//p' plugin.yaml)
DIST=$home/dist BUILD_FLAGS="" PLATFORMS=$(go env GOOS)/$(go env GOARCH) hack/dist.sh "$version" "-X github.com/safe-diff/helm-safe-diff/pkg/cli.version=$version" >/dev/null
archive=$(echo "$home"/dist/safe-diff-*.tgz)
[ "$(tar -tzf "$archive" | head -n 1)" = safe-diff/plugin.yaml ] || fail "plugin.yaml does not come first in $archive"
export HELM_DATA_HOME="$home/data" HELM_CONFIG_HOME="$home/config" HELM_CACHE_HOME="$home/cache"
want 0 "$HELM4" plugin install "$archive" --verify=false
want 0 "$HELM4" safe-diff version --folder
says "^$(cd "$home" && pwd -P)/data/plugins/safe-diff$"
for inner in diff gate; do want 0 "$HELM4" plugin install "$(cat "$home/out")/$inner"; "$HELM4" safe-diff version --folder >"$home/out"; done
want 0 "$HELM4" diff version --short
says "^$version$"
rm -rf "$home"
echo "ok  archive"

# The gate stands inside an upgrade: as an executable in Helm 3, as a plugin in Helm 4.
HELM3=$HELM3 HELM4=$HELM4 go test ./cmd/helm-safe-diff -run GateInHelm -count=1

# What we render is what Helm itself renders.
HELM3=$HELM3 HELM4=$HELM4 go test ./pkg/helm -run RendersAs -count=1
