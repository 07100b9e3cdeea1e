#!/bin/sh
# Builds helmfile from the Go module proxy:  hack/helmfile.sh VERSION FILE
# Its go.mod replaces modules, which `go install` refuses to follow; so a module of
# ours requires it and repeats what it replaces. The file appears only when it is
# complete, so that two builds may run at once.
set -eu
version=$1 file=$2
mkdir -p "$(dirname "$file")"
work=$(mktemp -d "$(dirname "$file")/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "building helmfile@$version" >&2
cat >"$work/go.mod" <<EOF
module helmfile.build

go 1.26

require github.com/helmfile/helmfile $version

replace (
	k8s.io/api => k8s.io/api v0.35.4
	k8s.io/apimachinery => k8s.io/apimachinery v0.36.0
	k8s.io/client-go => k8s.io/client-go v0.35.4
)
EOF
(cd "$work" && GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o helmfile github.com/helmfile/helmfile)
mv "$work/helmfile" "$file"
