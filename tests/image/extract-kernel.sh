#!/usr/bin/env bash
# extract-kernel.sh VMLINUZ OUT: the uncompressed kernel (a PVH ELF on amd64, a flat Image on arm64), which QEMU starts
# without the guest having to unpack it. The kernel's own formats are simple enough for od, tail and head.
set -euo pipefail

in=$1 out=$2

die() { echo "extract-kernel: $*" >&2; exit 1; }
bytes() { od -An -v -tx1 -j"$1" -N"$2" "$in" | tr -d ' \n'; }
number() { od -An -v -tu"$2" -j"$1" -N"$2" "$in" | tr -d ' \n'; } # little endian, as the hosts are
slice() { tail -c +"$(($1 + 1))" "$in" | head -c "$2" || true; } # tail may meet a closed pipe

if [ "$(bytes 514 4)" = 48647253 ]; then # "HdrS": a bzImage; Documentation/arch/x86/boot.rst
	sectors=$(number 497 1)
	offset=$(((${sectors/#0/4} + 1) * 512 + $(number 584 4)))
	length=$(number 588 4)
elif [ "$(bytes 4 4)" = 7a696d67 ]; then # "zimg": an EFI zboot image
	offset=$(number 8 4)
	length=$(number 12 4)
else
	offset=0
	length=$(stat -c %s "$in")
fi

case $(bytes "$offset" 4) in
28b52ffd) slice "$offset" "$length" | zstd -dcq >"$out" 2>/dev/null || true ;; # the size that the kernel's build
fd377a58) slice "$offset" "$length" | xz -dcq >"$out" 2>/dev/null || true ;;   # appends is no error
1f8b08*) slice "$offset" "$length" | gzip -dcq >"$out" 2>/dev/null || true ;;
*) cp "$in" "$out" ;;
esac

# so what came out is judged by what it is: an ELF, or "ARM\x64" at 56
in=$out
[ "$(bytes 0 4)" = 7f454c46 ] || [ "$(bytes 56 4)" = 41524d64 ] || die "$1 is in a format that is not known here"
