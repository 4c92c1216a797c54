#!/bin/sh
# zig.sh: zig as build scripts expect a C compiler, an archiver and an indexer, by the name that
# this is called by: zig-cc, zig-ar, zig-ranlib. IGLOO_ZIG is the program, IGLOO_ZIG_TARGET what it compiles for.
case ${0##*/} in
zig-ar) exec "$IGLOO_ZIG" ar "$@" ;;
zig-ranlib) exec "$IGLOO_ZIG" ranlib "$@" ;;
esac
# rotate through all arguments once, dropping what says again, in Apple's way, what is compiled for
count=$# drop=''
while [ "$count" -gt 0 ]; do
	argument=$1 count=$((count - 1))
	shift
	if [ -n "$drop" ]; then
		drop=''
		continue
	fi
	case $argument in
	-arch | -isysroot) drop=1 ;;
	--target=* | -mmacosx-version-min=* | -mmacos-version-min=*) ;;
	*) set -- "$@" "$argument" ;;
	esac
done
# zig looks for undefined behaviour at -O0 by a library that would be missing at the link
exec "$IGLOO_ZIG" cc -target "$IGLOO_ZIG_TARGET" -fno-sanitize=undefined "$@"
