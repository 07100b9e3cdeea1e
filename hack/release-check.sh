#!/bin/sh
# Proves that a version can be released:  hack/release-check.sh VERSION PROGRAM
# Everything that is wrong is said, not only the first. TAG is the tag of the release; the
# tag of the commit is taken if it is not set, and none is needed before there is one.
set -u
cd "$(dirname "$0")/.."
version=$1 program=$2
wrong=0

wrong() {
	echo "wrong: $*" >&2
	wrong=$((wrong + 1))
}

# passes WHAT COMMAND…
passes() {
	what=$1
	shift
	if "$@" >"$out" 2>&1; then
		echo "ok     $what"
	else
		wrong "$what: $(tail -n 5 "$out")"
	fi
}

# names FILE TEXT…: the file has each of the texts.
names() {
	file=$1
	shift
	for text; do
		passes "$file names $text" grep -qF -e "$text" "$file"
	done
}

out=$(mktemp)
trap 'rm -f "$out"' EXIT
tag=${TAG:-$(git tag --points-at HEAD 'v*')}
if [ -n "$tag" ]; then passes "the tag is v$version" [ "$tag" = "v$version" ]; else echo "ok     no tag yet"; fi
passes "nothing is left to commit" sh -c 'test -z "$(git status --porcelain)"'
passes "the program is version $version" [ "$("$program" version --short)" = "$version" ]
passes "gate/plugin.yaml is version $version" grep -q "^version: *\"\{0,1\}$version\"\{0,1\}$" gate/plugin.yaml
passes "CHANGELOG.md has a section for $version" grep -q "^## $version\b" CHANGELOG.md
names docs/install.md "--version $version" "safe-diff-$version-linux-amd64.tgz"
names docs/ci.md "helm-safe-diff@v$version" "helm-safe-diff/v$version/ci/gitlab.yml" "rev: v$version"
passes "the documents are those of this program" go test -count=1 ./pkg/cli -run TestDocs
passes "the output in the README is that of this program" go test -count=1 ./cmd/helm-safe-diff -run TestReadme
passes "the schemas are those of this program" go test -count=1 ./pkg/report -run Schema
passes "the rules are those of this program" go test -count=1 ./pkg/safediff -run TestRulesDocument
passes "each module has a licence" go run ./hack/notices -notices "$out.notices" -sbom "$out.spdx" -version "$version" -created 2026-01-01T00:00:00Z "$program"
rm -f "$out.notices" "$out.spdx"
passes "each workflow names its actions by digest" sh -c '! grep -hn "uses:" .github/workflows/*.yml | grep -vE "@[0-9a-f]{40} # v[0-9]"'
[ "$wrong" -eq 0 ] || exit 1
echo "version $version can be released"
