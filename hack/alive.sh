#!/bin/sh
# Runs a command that compiles, and says every 20 seconds that it is still at it:
#   hack/alive.sh COMMAND…
set -eu
(
	seconds=0
	while sleep 20 >/dev/null 2>&1; do # which lives a little longer than this script
		[ "$seconds" -ne 0 ] || echo "compiling Kubernetes: about 6 minutes the first time on two cores, seconds after that" >&2
		seconds=$((seconds + 20))
		[ "$seconds" -eq 20 ] || echo "still compiling after $seconds s" >&2
	done
) &
trap "kill $! 2>/dev/null || :" EXIT
trap 'exit 1' HUP INT TERM
"$@"
