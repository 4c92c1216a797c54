#!/bin/sh
# check-app.sh APP SIGNED: on a Mac, whether an app is for the oldest macOS that it says, needs nothing but the system, and
# has a whole signature; and, where SIGNED is `true`, whether another Mac would open it: it has a Developer ID, the
# hardened runtime and Apple's ticket.
set -eu
app=$1 signed=$2
plutil -lint "$app/Contents/Info.plist"
minimum=$(plutil -extract LSMinimumSystemVersion raw "$app/Contents/Info.plist")
for program in igloo-tray igloo igloo-admin; do
	file=$app/Contents/MacOS/$program
	test -x "$file"
	vtool -show-build "$file" | grep -q "minos $minimum$"
	# what is not the system's is not there on another Mac
	if otool -L "$file" | sed 1d | grep -Ev '^[[:space:]]+(/usr/lib/|/System/Library/)'; then exit 1; fi
done
codesign --verify --deep --strict --verbose=2 "$app"
[ "$signed" = true ] || exit 0
for program in igloo-tray igloo igloo-admin; do
	codesign --display --verbose=2 "$app/Contents/MacOS/$program" 2>&1 | grep -q 'flags=.*runtime'
done
xcrun stapler validate "$app"
spctl --assess --type execute --verbose "$app"
