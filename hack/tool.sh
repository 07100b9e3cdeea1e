#!/bin/sh
# Builds one tool from the Go module proxy:  hack/tool.sh PACKAGE VERSION FILE
# The file appears only when it is complete, so that two builds may run at once.
set -eu
package=$1 version=$2 file=$3
mkdir -p "$(dirname "$file")"
work=$(mktemp -d "$(dirname "$file")/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "building $package@$version" >&2
(cd "$work" && GOFLAGS= GOBIN="$work" CGO_ENABLED=0 go install "$package@$version")
mv "$work/$(basename "$package")" "$file"
