#!/bin/sh
# Puts the program into bin/ of the plugin. Helm runs this when it installs or
# updates the plugin. The program comes from the first of these that applies:
#
#   SAFE_DIFF_BIN_TGZ  a release archive on this machine; nothing is downloaded
#   a clone and Go     built from source
#   a release archive  the program is there already
#   the release        downloaded
#
# An archive is unpacked only if its SHA-256 is right. For SAFE_DIFF_BIN_TGZ it is
# taken from SAFE_DIFF_BIN_SHA256, or from a .sha256 file or the checksums.txt of
# the release beside the archive; without any of them, that is said.
set -eu

project=helm-safe-diff
releases=https://github.com/safe-diff/helm-safe-diff/releases/download

say() { echo "safe-diff: $*"; }
fail() {
	echo "safe-diff: $*" >&2
	exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

platform() {
	case $(uname -s) in
	Linux) os=linux ;;
	Darwin) os=darwin ;;
	MINGW* | MSYS* | CYGWIN* | Windows_NT) os=windows ;;
	*) fail "there is no release for the operating system $(uname -s); clone the repository and build it with Go" ;;
	esac
	case $(uname -m) in
	x86_64 | amd64) arch=amd64 ;;
	aarch64 | arm64) arch=arm64 ;;
	*) fail "there is no release for the processor $(uname -m); clone the repository and build it with Go" ;;
	esac
	binary=$project
	if [ "$os" = windows ]; then
		binary=$project.exe
	fi
}

sha256() {
	if has sha256sum; then
		sha256sum "$1" | cut -d ' ' -f 1
	elif has shasum; then
		shasum -a 256 "$1" | cut -d ' ' -f 1
	else
		fail "cannot check the archive: neither sha256sum nor shasum is installed"
	fi
}

# verify FILE EXPECTED
verify() {
	[ -n "$2" ] || fail "no checksum is known for $(basename "$1")"
	actual=$(sha256 "$1")
	[ "$actual" = "$(echo "$2" | tr A-F a-f)" ] || fail "$(basename "$1") is damaged or not the right one: its SHA-256 is $actual and should be $2"
}

# listed CHECKSUMS NAME: what a list of checksums says of a file.
listed() { awk -v name="$2" '$2 == name || $2 == "*" name { print $1 }' "$1"; }

# fetch URL FILE
fetch() {
	if has curl; then
		curl --fail --silent --show-error --location --output "$2" "$1" || fail "cannot download $1"
	elif has wget; then
		wget -q -O "$2" "$1" || fail "cannot download $1"
	else
		fail "cannot download $1: neither curl nor wget is installed"
	fi
}

# unpack ARCHIVE: takes the program out of it, wherever it lies in there.
unpack() {
	mkdir "$work/archive"
	tar -xzf "$1" -C "$work/archive" || fail "cannot unpack $1"
	found=$(find "$work/archive" -type f -name "$binary" | head -n 1)
	[ -n "$found" ] || fail "there is no $binary in $1"
	install_program "$found"
}

# install_program FILE: moves a finished program into place in one step.
install_program() {
	chmod 755 "$1"
	"$1" version --short >/dev/null 2>&1 || fail "the program does not run on this machine"
	mkdir -p bin
	mv -f "$1" "bin/.$binary.$$"
	mv -f "bin/.$binary.$$" "bin/$binary"
	say "installed $("bin/$binary" version --short) as $(pwd)/bin/$binary"
}

from_archive() {
	archive=$SAFE_DIFF_BIN_TGZ
	[ -f "$archive" ] || fail "SAFE_DIFF_BIN_TGZ names $archive, which is no file"
	if [ -n "${SAFE_DIFF_BIN_SHA256:-}" ]; then
		verify "$archive" "$SAFE_DIFF_BIN_SHA256"
	elif [ -f "$archive.sha256" ]; then
		verify "$archive" "$(cut -d ' ' -f 1 "$archive.sha256")"
	elif [ -f "$(dirname "$archive")/checksums.txt" ]; then
		verify "$archive" "$(listed "$(dirname "$archive")/checksums.txt" "$(basename "$archive")")"
	else
		say "no checksum was given for $archive: it is not checked"
	fi
	unpack "$archive"
}

from_source() {
	say "building from source"
	CGO_ENABLED=0 go build -trimpath -o "$work/$binary" \
		-ldflags "-s -w -X github.com/safe-diff/helm-safe-diff/pkg/cli.version=$version" \
		./cmd/helm-safe-diff || fail "the build failed"
	install_program "$work/$binary"
}

from_release() {
	archive=safe-diff-$version-$os-$arch.tgz
	say "downloading version $version"
	fetch "$releases/v$version/$archive" "$work/$archive"
	fetch "$releases/v$version/checksums.txt" "$work/checksums.txt"
	verify "$work/$archive" "$(listed "$work/checksums.txt" "$archive")"
	unpack "$work/$archive"
}

origin=$(pwd)
cd "${HELM_PLUGIN_DIR:-$(dirname "$0")}"
case ${SAFE_DIFF_BIN_TGZ:-} in
'' | /* | [A-Za-z]:*) ;;
*) SAFE_DIFF_BIN_TGZ=$origin/$SAFE_DIFF_BIN_TGZ ;;
esac
version=$(sed -n 's/^version: *//p' plugin.yaml | tr -d "\"'\\r")
[ -n "$version" ] || fail "plugin.yaml names no version"
platform
work=$(mktemp -d "${TMPDIR:-/tmp}/safe-diff.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ -n "${SAFE_DIFF_BIN_TGZ:-}" ]; then
	from_archive
elif [ -f go.mod ] && has go; then
	from_source
elif [ "$("bin/$binary" version --short 2>/dev/null)" = "$version" ]; then
	say "version $version is there already"
else
	from_release
fi
