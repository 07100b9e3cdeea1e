#!/bin/sh
# Puts the program into bin/ of the plugin. Helm runs this when it installs or
# updates the plugin. The program comes from the first of these that applies:
#
#   SAFE_DIFF_BIN_TGZ    a release archive on this machine; nothing is downloaded
#   SAFE_DIFF_BUILD=1    built from source
#   SAFE_DIFF_RELEASE=1  a release archive, even in a clone
#   a clone of one's own built from source; without a Go that can, a release archive
#   anything else        a release archive; from source if it cannot be downloaded
#
# A release archive is downloaded only if the program of that version is not there
# already. An archive is unpacked only if its SHA-256 is right. For SAFE_DIFF_BIN_TGZ
# it is taken from SAFE_DIFF_BIN_SHA256, or from a .sha256 file or the checksums.txt
# of the release beside the archive; without any of them, that is said.
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

# fetch URL FILE: downloads by HTTPS alone, redirects included.
fetch() {
	if has curl; then
		curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --output "$2" "$1" && return
	elif has wget; then
		wget --https-only -q -O "$2" "$1" && return
	else
		say "neither curl nor wget is installed"
	fi
	say "cannot download $1"
	return 1
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

# can_build tells whether there is a Go that can build the program, and says why not.
can_build() {
	if [ ! -f go.mod ]; then
		say "there is no source in $(pwd)"
	elif ! has go; then
		say "Go is not installed"
	elif ! go list -m >"$work/go" 2>&1; then
		say "the installed Go cannot build it: $(head -n 1 "$work/go")"
	else
		return 0
	fi
	return 1
}

from_source() {
	say "building from source: compiling Kubernetes takes about 6 minutes the first time"
	CGO_ENABLED=0 sh hack/alive.sh go build -o "$work/$binary" \
		-ldflags "-s -w -X github.com/safe-diff/helm-safe-diff/pkg/cli.version=$version" \
		./cmd/helm-safe-diff || fail "the build failed"
	install_program "$work/$binary"
}

# from_release fails only if nothing could be downloaded: a wrong archive ends the script.
from_release() {
	if [ "$("bin/$binary" version --short 2>/dev/null)" = "$version" ]; then
		say "version $version is there already"
		return
	fi
	archive=safe-diff-$version-$os-$arch.tgz
	say "downloading version $version"
	fetch "$releases/v$version/$archive" "$work/$archive" || return
	fetch "$releases/v$version/checksums.txt" "$work/checksums.txt" || return
	verify "$work/$archive" "$(listed "$work/checksums.txt" "$archive")"
	unpack "$work/$archive"
}

# is_own_clone tells a clone that somebody works in from one that Helm has made: Helm
# clones the repository of a plugin into its cache.
is_own_clone() {
	[ -f go.mod ] || return
	[ -n "${HELM_CACHE_HOME:-}" ] && [ -d "$HELM_CACHE_HOME" ] || return 0
	case $(pwd -P)/ in
	"$(cd "$HELM_CACHE_HOME" && pwd -P)"/*) return 1 ;;
	esac
}

by_hand="download an archive elsewhere and name it in SAFE_DIFF_BIN_TGZ, or install Go and set SAFE_DIFF_BUILD=1"

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
elif [ -n "${SAFE_DIFF_BUILD:-}" ]; then
	can_build || fail "SAFE_DIFF_BUILD is set, but the program cannot be built here"
	from_source
elif [ -n "${SAFE_DIFF_RELEASE:-}" ]; then
	from_release || fail "there is no program of version $version: $by_hand"
elif is_own_clone; then
	if can_build; then
		from_source
	else
		say "taking the release instead"
		from_release || fail "there is no program of version $version: $by_hand"
	fi
else
	from_release || {
		can_build || fail "there is no program of version $version: $by_hand"
		from_source
	}
fi
