#!/bin/sh
# Makes sure that there is a browser to open pages with: on Debian root installs chromium.
set -eu
for browser in chromium google-chrome; do
	if command -v $browser >/dev/null; then exit 0; fi
done
export DEBIAN_FRONTEND=noninteractive
for _ in 1 2 3; do
	if apt-get install -y -q --no-install-recommends chromium; then exit 0; fi
	apt-get update -q || :
done
echo "no chromium, and Debian's package cannot be installed" >&2
exit 1
