#!/usr/bin/env bash
# make-image.sh amd64|arm64 OUTDIR: make a Debian builder image, a folder with a manifest.json. See README.md.
#   IGLOO_IMAGE_SUITE   the Debian suite (trixie)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
suite=${IGLOO_IMAGE_SUITE:-trixie}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
needed_mib=2500
binfmt=/proc/sys/fs/binfmt_misc
binfmt_state=/run/igloo-binfmt

# the same packages give the same bytes
export SOURCE_DATE_EPOCH=1754697600 LC_ALL=C.UTF-8 TZ=UTC
umask 022

work='' child='' uses_binfmt=''

die() {
	echo "make-image: $1" >&2
	echo "  remedy: $2" >&2
	exit 1
}

step() { echo "make-image: $*" >&2; }

# Run in the background, so that a signal is seen at once and not when the command ends.
run() {
	"$@" &
	child=$!
	wait "$child"
	child=''
}

clean_up() {
	trap - EXIT
	trap '' INT TERM HUP
	if [ -n "$child" ]; then
		kill -TERM "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	[ -z "$work" ] || rm -rf --one-file-system "$work"
	[ -z "$uses_binfmt" ] || leave_binfmt
}

check() {
	case $arch in
	amd64 | arm64) ;;
	*) die "unknown arch '$arch'" 'use amd64 or arm64' ;;
	esac
	[ "$(id -u)" = 0 ] || die 'not root, but the guest'\''s files need their real owners' 'run it as root, or with sudo'
	local tool missing=()
	for tool in mmdebstrap mke2fs debugfs depmod modprobe cpio zstd xz flock; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	[ -e "$keyring" ] || missing+=("$keyring")
	[ ${#missing[@]} = 0 ] ||
		die "missing: ${missing[*]}" "apt-get install \$(cat $here/packages)"
	local free_mib
	free_mib=$(($(stat -f -c '%a * %S' "$(dirname "$out")") / 1048576))
	[ "$free_mib" -ge "$needed_mib" ] ||
		die "only $free_mib MiB are free in $(dirname "$out")" "free at least $needed_mib MiB there, or choose another folder"
}

# The first Debian archive among the machine's own apt sources, in either format; never the security archive.
mirror() {
	local found
	found=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		awk '/^URIs:/ || /^deb[ \t]/ { for (i = 2; i <= NF; i++) if ($i ~ /^(https?|mirror\+https?|file):.*\/debian\/?$/) { print $i; exit } }')
	[ -n "$found" ] || die 'no Debian mirror in /etc/apt' 'add one to /etc/apt/sources.list.d/debian.sources'
	echo "$found"
}

# A foreign arch's programs run by qemu-user, which binfmt_misc must know. Whoever uses a registration of ours holds a shared
# lock; the last one out undoes it.
enter_binfmt() {
	[ "$arch" != "$(dpkg --print-architecture)" ] || return 0
	local interpreter name magic
	case $arch in
	arm64) name=qemu-aarch64 magic='\x02\x00\xb7\x00' ;;
	amd64) name=qemu-x86_64 magic='\x02\x00\x3e\x00' ;;
	esac
	interpreter=$(command -v "$name-static" || true)
	[ -n "$interpreter" ] ||
		die "missing: $name-static, to run $arch programs here" "apt-get install \$(cat $here/packages.arm64)"
	exec 8>"$binfmt_state.lock"
	flock 8
	uses_binfmt=$name
	if [ ! -e "$binfmt/register" ]; then
		mount -t binfmt_misc binfmt_misc "$binfmt" ||
			die 'binfmt_misc cannot be mounted' "make the image on a machine whose kernel has it, or on a $arch machine"
		touch "$binfmt_state.mounted"
	fi
	if [ ! -e "$binfmt/$name" ]; then
		# ELF, 64 bit, little endian, executable or shared, this machine; F: opened now, so it works in a chroot
		printf '%s' ":$name:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00$magic:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfc\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$interpreter:F" \
			>"$binfmt/register" || die "$name cannot be registered with binfmt_misc" "make the image on a $arch machine"
		touch "$binfmt_state.$name"
	fi
	flock -s 8
}

leave_binfmt() {
	flock -x -n 8 || return 0
	if [ -e "$binfmt_state.$uses_binfmt" ]; then
		echo -1 >"$binfmt/$uses_binfmt"
		rm -f "$binfmt_state.$uses_binfmt"
	fi
	if [ -e "$binfmt_state.mounted" ]; then
		umount "$binfmt" && rm -f "$binfmt_state.mounted"
	fi
}

install_packages() {
	local proxies=() line
	# mmdebstrap does not read the machine's apt.conf
	while read -r line; do
		proxies+=(--aptopt="$line")
	done < <(apt-config dump 2>/dev/null | grep -iE '^Acquire::https?::proxy' || true)
	# its own check of qemu-user wants one more package and says no more than enter_binfmt does
	run mmdebstrap --quiet --mode=root --skip=check/qemu --variant=minbase --arch="$arch" "${proxies[@]}" \
		--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
		--include=busybox-static,e2fsprogs,iproute2,nix-bin,nix-setup-systemd,openssh-server,procps,systemd-sysv \
		--customize-hook="'$here/customize.sh' \"\$1\" $arch '$work'" \
		"$suite" "$work/root" "deb [signed-by=$keyring] $(mirror) $suite main"
}

make_kernel() {
	local kernel
	# some suites have it in /boot, some beside the modules
	kernel=$(find "$work/kernel-packages" -type f -name 'vmlinu[xz]*' | head -n 1)
	"$here/extract-kernel.sh" "$kernel" "$work/kernel"
}

# All modules that the guest uses are loaded by the initrd, unpacked and in a known order, so the guest needs no kmod and no udev.
# make_initrd NAME INIT MODULES...
make_initrd() {
	local packages="$work/kernel-packages" tree="$work/$1-root" out="$work/$1" init=$2 version name kind file
	shift 2
	[ -d "$packages/lib" ] || ln -s usr/lib "$packages/lib"
	version=$(ls "$packages/lib/modules")
	depmod -b "$packages" "$version"
	mkdir -p "$tree"/{bin,dev,disk,modules,proc,root,store}
	cp "$work/root/usr/bin/busybox" "$tree/bin/"
	for name in insmod mount poweroff sh sleep switch_root umount usleep cat chmod chown chroot dd mkdir sed sync touch tr; do
		ln -s busybox "$tree/bin/$name"
	done
	install -m 0755 "$here/$init" "$tree/init"
	cat "$@" | while read -r name; do
		# a driver that this arch does not have, or has built in, is no error
		modprobe -d "$packages" -S "$version" --show-depends "$name" 2>/dev/null || true
	done | while read -r kind file _; do
		[ "$kind" = insmod ] || continue
		name=$(basename "${file%.xz}")
		[ ! -e "$tree/modules/$name" ] || continue
		case $file in
		*.xz) xz -dc "$file" >"$tree/modules/$name" ;;
		*) cp "$file" "$tree/modules/$name" ;;
		esac
		echo "$name" >>"$tree/modules/order"
	done
	find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	(cd "$tree" && find . -print0 | LC_ALL=C sort -z |
		cpio --null --create --format=newc --owner=0:0 --reproducible --quiet) >"$out"
}

make_root() {
	local image="$work/root.img"
	find "$work/root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	truncate -s 8G "$image"
	# No checksums of metadata: they cost an emulated CPU much. The file is all zeros, so nothing needs zeroing, now or in the guest.
	E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH run mke2fs -q -t ext4 -L root -m 1 -O has_journal,uninit_bg,^metadata_csum \
		-U 69676c6f-6f00-4000-8000-000000000001 \
		-E hash_seed=69676c6f-6f00-4000-8000-000000000002,assume_storage_prezeroed=1,nodiscard \
		-d "$work/root" "$image"
	# mke2fs copies these two times, which are those of this run
	find "$work/root" -printf '/%P\n' | while read -r file; do
		printf 'sif "%s" atime @%s\nsif "%s" ctime @%s\n' "$file" "$SOURCE_DATE_EPOCH" "$file" "$SOURCE_DATE_EPOCH"
	done >"$work/times"
	E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH run debugfs -w -f "$work/times" "$image" >/dev/null 2>"$work/debugfs.log"
}

# manifest INIT PREFIX
manifest() {
	local system console program
	# what a builder does not need and an emulated CPU takes long for
	local quick='audit=0 apparmor=0 selinux=0 cryptomgr.notests'
	case $arch in
	amd64) system=x86_64-linux console=ttyS0 program=qemu-system-x86_64 ;;
	arm64) system=aarch64-linux console=ttyAMA0 program=qemu-system-aarch64 ;;
	esac
	cat <<-END
		{
		  "version": 1,
		  "name": "debian-$suite",
		  "system": "$system",
		  "kernel": "$2kernel",
		  "initrd": "$2initrd",
		  "cmdline": "console=$console root=/dev/vda rootfstype=ext4 rw init=$1 panic=-1 loglevel=4 $quick",
		  "root": { "kind": "base", "path": "$2root.img", "format": "raw" },
		  "shares": ["keys"],
		  "user": "builder",
		  "keys": { "tag": "keys", "file": "builder_ed25519.pub" },
		  "host_key": { "kind": "provided", "tag": "keys", "file": "ssh_host_ed25519_key" },
		  "power_off": "echo off > /run/power-off",
		  "qemu": { "program": "$program" }
		}
	END
}

make_image() {
	step "installing Debian $suite for $arch"
	install_packages
	step 'making kernel and initrd'
	make_kernel
	make_initrd initrd initrd-init "$here/modules"
	make_initrd initrd-split split-init "$here/modules" "$here/modules.split"
	step 'making root.img'
	make_root
	mkdir "$work/image" "$work/image/tiny"
	mv "$work/kernel" "$work/initrd" "$work/initrd-split" "$work/root.img" "$work/image/"
	manifest /usr/sbin/tiny-init ../ >"$work/image/tiny/manifest.json"
	manifest /sbin/init '' >"$work/image/manifest.json"
}

[ $# = 2 ] || die 'two arguments are needed' 'make-image.sh amd64|arm64 OUTDIR'
arch=$1
out=$(realpath -m "$2")
[ ! -e "$out/manifest.json" ] || exit 0
mkdir -p "$(dirname "$out")"
check

exec 9>"$out.lock"
flock -n 9 || { step "waiting for another maker of $out" && flock 9; }
[ ! -e "$out/manifest.json" ] || exit 0
[ ! -e "$out" ] || die "$out exists and is no image" 'remove it, or choose another folder'

trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# we hold the lock, so these are of makers that were killed
rm -rf --one-file-system "$out".*.partial
work=$(mktemp -d "$out.XXXXXX.partial")
chmod 755 "$work"
enter_binfmt
make_image
mv -T "$work/image" "$out"
step "made $out"
