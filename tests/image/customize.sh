#!/usr/bin/env bash
# customize.sh ROOT ARCH WORK: mmdebstrap's hook, when the packages are in ROOT. Adds our files and the user, and unpacks the
# kernel's packages into WORK/kernel-packages.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$1 arch=$2 work=$3

add_files() {
	local file mode
	(cd "$here/guest" && find . -type f) | while read -r file; do
		mode=0644
		[ ! -x "$here/guest/$file" ] || mode=0755
		install -D -m "$mode" "$here/guest/$file" "$root/$file"
	done
	case $arch in
	amd64) echo igloo-x86-64 ;;
	arm64) echo igloo-aarch64 ;;
	esac >"$root/etc/hostname"
	# the same in every image, or each would differ and its first boot would be slower
	echo 00000000000000000000000000000001 >"$root/etc/machine-id"
	rm -f "$root"/etc/ssh/ssh_host_*
}

add_user() {
	# `*`, not `!`: without PAM sshd takes `!` for a locked account and lets nobody in
	chroot "$root" useradd --create-home --uid 1000 --user-group --shell /bin/sh --password '*' builder
	if chroot "$root" getent group nix-users >/dev/null; then
		chroot "$root" usermod --append --groups nix-users builder
	fi
	chroot "$root" nix-store --init
	rm -f "$root/nix/var/nix/db/db.sqlite-shm" # made anew, and never the same
}

choose_units() {
	local generator
	# what the packages enabled, and what the generators could, is nothing that we start
	rm -rf "$root"/etc/systemd/system/*.{wants,requires}
	ln -sf igloo.target "$root/etc/systemd/system/default.target"
	mkdir -p "$root/etc/systemd/system-generators"
	for generator in "$root"/usr/lib/systemd/system-generators/*; do
		ln -s /dev/null "$root/etc/systemd/system-generators/$(basename "$generator")"
	done
}

# Only unpacked: its maintainer scripts would make an initramfs of 40 MB. Not the cloud kernel, which has no 9p.
fetch_kernel() {
	local todo=("linux-image-$arch") seen=' ' package
	export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG
	mkdir -p "$work/kernel-packages" "$work/debs"
	# in newer suites the kernel is split: image -> binary, modules, base
	while [ ${#todo[@]} -gt 0 ]; do
		package=${todo[0]} todo=("${todo[@]:1}")
		[[ $seen != *" $package "* ]] || continue
		seen+="$package "
		mapfile -t -O ${#todo[@]} todo < <(apt-cache depends "$package" |
			awk '/Depends: linux-(image|binary|modules|base)-[0-9]/ { print $2 }')
	done
	# shellcheck disable=SC2086 # a list of words
	(cd "$work/debs" && apt-get -qq -o APT::Sandbox::User=root download $seen)
	for package in "$work"/debs/*.deb; do
		dpkg-deb --extract "$package" "$work/kernel-packages"
	done
	rm -rf "$work/debs"
}

clean() {
	rm -rf "$root"/boot/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/ldconfig/* \
		"$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/etc/*- "$root"/tmp/* "$root"/etc/apt/sources.list*
	find "$root/var/log" -type f -delete
}

add_files
add_user
choose_units
fetch_kernel
clean
