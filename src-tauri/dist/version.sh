#!/bin/sh
# version.sh TAG: whether a tag is the version that the workspace has.
set -eu
cd "$(dirname "$0")/../.."
version=$(sed -n '/^\[workspace\.package\]$/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
[ "$1" = "v$version" ] || {
	echo "the tag is $1, and the workspace's version is $version" >&2
	exit 1
}
