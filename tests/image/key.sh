#!/usr/bin/env bash
# key.sh ARCH: a key over everything that decides what make-image.sh makes, for caches.
set -euo pipefail

arch=${1:?usage: key.sh amd64|arm64}
cd "$(dirname "$0")"
{
	echo "$arch ${IGLOO_IMAGE_SUITE:-trixie}"
	find . -type f ! -name README.md | LC_ALL=C sort | while read -r file; do
		echo "$file $([ ! -x "$file" ] || echo x) $(sha256sum <"$file")"
	done
} | sha256sum | cut -d' ' -f1
