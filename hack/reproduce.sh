#!/bin/sh
# Builds the release archive for linux/amd64 twice, each time in a clone of its own with a
# cache of its own, and compares them to the byte:  hack/reproduce.sh VERSION LDFLAGS
set -eu
version=$1 ldflags=$2
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in first second/in/another/folder; do
	mkdir -p "$work/$folder"
	git clone -q . "$work/$folder/clone"
	echo "building in a fresh clone with an empty cache"
	(cd "$work/$folder/clone" && GOCACHE="$work/$folder/cache" PLATFORMS=linux/amd64 hack/dist.sh "$version" "$ldflags")
done
cmp "$work/first/clone/dist/safe-diff-$version-linux-amd64.tgz" "$work/second/in/another/folder/clone/dist/safe-diff-$version-linux-amd64.tgz"
echo "both archives are equal to the byte"
