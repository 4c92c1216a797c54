#!/bin/sh
# release.sh FOLDER VERSION REPOSITORY SIGNED: puts checksums beside what a release consists of and, where the Mac's part is
# signed (`true`), a Homebrew cask; prints the release's notes.
set -eu
folder=$1 version=$2 repository=$3 signed=$4
here=$(cd "$(dirname "$0")" && pwd)
cd "$folder"
hash_of() { sha256sum "Igloo_${version}_$1" | cut -d ' ' -f 1; }

arm=$(hash_of aarch64.dmg) intel=$(hash_of x64.dmg)
if [ "$signed" = true ]; then
	sed -e "s|@VERSION@|$version|" -e "s|@REPOSITORY@|$repository|" -e "s|@ARM@|$arm|" -e "s|@INTEL@|$intel|" \
		"$here/igloo.rb" >igloo.rb
fi
rm -f SHA256SUMS
sums=$(sha256sum -- *)
printf '%s\n' "$sums" >SHA256SUMS

if [ "$signed" = true ]; then
	echo 'The Mac app is signed and notarised.'
else
	echo '**The Mac app is not signed by a Developer ID and not notarised.** macOS refuses to open it when it was downloaded,'
	echo 'until you allow it in System Settings, Privacy & Security.'
fi
printf '\n`SHA256SUMS` has the checksums: `sha256sum --check --ignore-missing SHA256SUMS`.\n'
