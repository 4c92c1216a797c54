#!/bin/sh
# stand-in-cc.sh: a C compiler for a check that never links: it makes empty objects. What only
# preprocesses or asks the compiler about itself goes to the host's own, without macOS's options.
out='' object='' source='' asks='' previous=''
for argument in "$@"; do
	[ "$previous" != -o ] || out=$argument
	case $argument in
	-c) object=1 ;;
	-E | -v | --version | -V | -dumpversion | -dumpmachine | -print-* | '-?') asks=1 ;;
	*.c | *.m | *.mm | *.S | *.s | *.cc | *.cpp) source=$argument ;;
	esac
	previous=$argument
done

if [ -n "$asks" ]; then
	# rotate through all arguments once, dropping some
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
		--target=* | -mmacos*) ;;
		*) set -- "$@" "$argument" ;;
		esac
	done
	exec cc "$@"
fi

if [ -z "$out" ] && [ -n "$object" ]; then
	source=${source##*/}
	out=${source%.*}.o
fi
[ -z "$out" ] || : >"$out"
