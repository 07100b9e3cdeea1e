#!/bin/sh
# Builds one program of the control plane, in the version that test/controlplane
# pins:  hack/component.sh PACKAGE FILE
# The file appears only when it is complete, so that two builds may run at once.
set -eu
package=$1 file=$2
mkdir -p "$(dirname "$file")"
part=$(mktemp "$(dirname "$file")/.build.XXXXXX")
trap 'rm -f "$part"' EXIT
echo "building $package" >&2
version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' test/controlplane/go.mod)
minor=${version#v1.}
set -- -X "k8s.io/component-base/version.gitVersion=$version" -X k8s.io/component-base/version.gitMajor=1 \
	-X "k8s.io/component-base/version.gitMinor=${minor%%.*}"
# Without -trimpath, so that what the tests have compiled of Kubernetes is not compiled again.
GOFLAGS= CGO_ENABLED=0 go -C test/controlplane build -ldflags "-s -w $*" -o "$part" "$package"
chmod 755 "$part"
mv "$part" "$file"
