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

# commands: each command that needs no cluster works as a plugin, and says by which Helm. The
# releases are in a file.
commands() {
	major=$("$helm" version --template '{{.Version}}' | sed 's/^v\([0-9]*\).*/\1/')
	shop=$charts/shop
	for revision in 1 2; do
		status=superseded
		[ "$revision" -eq 1 ] || status=deployed
		printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {revision: "%s"}\n' "$revision" >"$home/$revision.yaml"
		printf -- '- name: shop\n  namespace: prod\n  version: %s\n  info: {status: %s}\n' "$revision" "$status"
		printf '  chart: {metadata: {apiVersion: v2, name: shop, version: 1.0.%s}}\n  manifest: |\n' "$revision"
		sed 's/^/    /' "$home/$revision.yaml"
	done >"$home/releases.yaml"
	export HELM_DRIVER=memory HELM_MEMORY_DRIVER_DATA="$home/releases.yaml"
	for command in \
		"rollback shop 1 --offline" "rollback shop --offline" "revision shop 1 2" "uninstall shop --offline" \
		"release shop shop --new-namespace prod" "local $shop/1.4.2 $shop/1.4.3" "manifests $home/1.yaml $home/2.yaml --helm $major"; do
		# shellcheck disable=SC2086
		want 0 "$helm" safe-diff $command --namespace prod --kube-version 1.36
		says "judged for Kubernetes 1.36 and Helm $major"
	done
	for command in "chart $shop/1.5.0 --base HEAD" "values $shop/1.5.0 --set replicas=1" "explain pod-restart" rules config; do
		# shellcheck disable=SC2086
		want 0 "$helm" safe-diff $command
	done
	unset HELM_DRIVER HELM_MEMORY_DRIVER_DATA
}

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
	commands
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
SIGNING_KEY= GNUPGHOME=
if command -v gpg >/dev/null; then # a key of its own, for a test
	export GNUPGHOME="$home/keys"
	mkdir -m 700 "$GNUPGHOME"
	gpg --batch --quiet --passphrase "" --quick-generate-key test rsa2048 sign never
	gpg --batch --quiet --export >"$home/keyring.gpg"
	SIGNING_KEY=test
fi
export SIGNING_KEY
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
echo "ok  archive"

# Helm 4 installs it from a registry, too, and verifies it.
if [ -n "$SIGNING_KEY" ]; then
	HELM4=$HELM4 LAYOUT=$home/dist/plugin TAG=$version-$(go env GOOS)-$(go env GOARCH) KEYRING=$home/keyring.gpg \
		go test ./hack/artifact -run InstalledByHelm -count=1
	gpgconf --kill all
	echo "ok  registry"
else
	echo "not tested: signatures and a registry, as there is no gpg"
fi
rm -rf "$home"

# The gate stands inside an upgrade: as an executable in Helm 3, as a plugin in Helm 4.
HELM3=$HELM3 HELM4=$HELM4 go test ./cmd/helm-safe-diff -run GateInHelm -count=1

# What we find, verify and render is what Helm itself does.
HELM3=$HELM3 HELM4=$HELM4 go test ./pkg/helm -run 'AsHelmDoes|OfRealHelm' -count=1
