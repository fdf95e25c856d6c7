#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-tools for another C library or another machine, on Debian: the libraries it needs are built from Debian's sources by that compiler,
# then mm-tools, then its unit programs are run (under qemu-user where the machine is another one, and most of the test scripts).
#
#   packaging/port.sh musl [DIR]                apt-get install musl-tools gnulib dpkg-dev
#   packaging/port.sh aarch64-linux-gnu [DIR]   apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static dpkg-dev
#   packaging/port.sh s390x-linux-gnu [DIR]     the same for s390x (big-endian)
#   packaging/port.sh i686-linux-gnu [DIR]      32 bits; gcc-i686-linux-gnu libc6-dev-i386-cross, no qemu
#
# All lies below DIR (default: port-TARGET); what is there already is not built again. MAKEFLAGS is passed on. A source package's folder
# may be put into DIR/src by hand, then apt is not asked.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
target=${1:?usage: port.sh musl|TRIPLET [DIR]}
mkdir -p "${2:-port-$target}/src"
dir=$(cd "${2:-port-$target}" && pwd)
prefix=$dir/root
run=
case $target in
musl)
	CC=musl-gcc
	host=
	;;
*)
	CC=$target-gcc
	host=--host=$target
	arch=${target%%-*}
	case $arch in
	i?86 | "$(uname -m)") ;;
	*)
		# not with -L, which would lay the libraries over / and so hide /proc from a program that opens /
		ld=$(echo "/usr/$target"/lib/ld[-6]*.so.*)
		run="qemu-$arch-static $ld --library-path /usr/$target/lib"
		;;
	esac
	;;
esac
command -v "$CC" > /dev/null || { echo "port.sh: no $CC: see the head of this file" >&2; exit 1; }

# The system's own apt lists have no sources mostly: lists of our own, so that nothing of the system is changed.
apt_src() {
	apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$dir/apt/parts" -o Dir::State::Lists="$dir/apt/lists" "$@"
}
source_of() {
	set -- "$1" "$dir"/src/"$1"-[0-9]*/
	[ -d "$2" ] && return
	if [ ! -d "$dir/apt" ]; then
		mkdir -p "$dir/apt/parts" "$dir/apt/lists/partial"
		cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null | sed -n 's/^deb /deb-src /p' > "$dir/apt/parts/src.list"
		for f in /etc/apt/sources.list.d/*.sources; do
			[ ! -f "$f" ] || sed 's/^Types:.*/Types: deb-src/' "$f" > "$dir/apt/parts/$(basename "$f")"
		done
		apt_src update
	fi
	(cd "$dir/src" && apt_src source "$1")
}

# library PACKAGE FILE-IT-INSTALLS CONFIGURE-OPTION...
library() {
	name=$1 made=$2
	shift 2
	[ -e "$prefix/$made" ] && return
	source_of "$name"
	echo "== $name"
	# The sources' time stamps may ask for automake again: they are made to agree
	find "$dir"/src/"$name"-[0-9]* -type f \( -name configure -o -name Makefile.in -o -name aclocal.m4 -o -name config.h.in \) -exec touch {} +
	# Old sources do not know new machines
	for f in config.sub config.guess; do
		find "$dir"/src/"$name"-[0-9]* -name $f -exec cp "$top/build-aux/$f" {} \;
	done
	rm -rf "$dir/build-$name"
	mkdir -p "$dir/build-$name"
	(cd "$dir/build-$name" && "$dir"/src/"$name"-[0-9]*/configure --quiet CC="$CC" CFLAGS=-O2 $host --prefix="$prefix" "$@" &&
		make -s && make -s install) > "$dir/$name.log" 2>&1 || { tail -n 20 "$dir/$name.log" >&2; exit 1; }
}

if [ "$target" = musl ] && [ ! -e "$prefix/lib/libargp.a" ]; then
	echo "== argp, from gnulib"
	rm -rf "$dir/argp" "$dir/build-argp"
	mkdir -p "$dir/build-argp" "$prefix/lib" "$prefix/include"
	(gnulib-tool --create-testdir --dir="$dir/argp" --lib=libargp --without-tests argp && cd "$dir/build-argp" &&
		../argp/configure --quiet CC="$CC" CFLAGS='-O2 -D_GNU_SOURCE' && make -s) > "$dir/argp.log" 2>&1 ||
		{ tail -n 20 "$dir/argp.log" >&2; exit 1; }
	cp "$dir/build-argp/gllib/libargp.a" "$prefix/lib/"
	# gnulib's headers want its config.h: without the inline functions (the library has them) and its own names of attributes they do not
	sed '/^#if !_LIBC || defined __USE_EXTERN_INLINES/,/^#endif \/\* Use extern inlines/d
		s/_GL_ATTRIBUTE_FORMAT ((_GL_[A-Z_]*, \([0-9]\), \([0-9]\)))/__attribute__ ((__format__ (__printf__, \1, \2)))/' \
		"$dir/argp/gllib/argp.h" > "$prefix/include/argp.h"
fi
library libcsv include/csv.h --disable-shared
library ncurses lib/libncursesw.a --enable-widec --without-shared --without-debug --without-ada --without-cxx --without-cxx-binding \
	--without-manpages --without-tests --without-progs --without-gpm --disable-db-install --enable-pc-files \
	--with-pkg-config-libdir="$prefix/lib/pkgconfig" --with-default-terminfo-dir=/usr/share/terminfo \
	--with-terminfo-dirs=/etc/terminfo:/lib/terminfo:/usr/share/terminfo
library check lib/libcheck.a --disable-shared --disable-subunit MAKEINFO=true
ln -sf libcheck.a "$prefix/lib/libcheck_pic.a"	# the name that Debian's check.pc has

echo "== mm-tools"
mkdir -p "$dir/build"
cd "$dir/build"
# shellcheck disable=SC2086
[ -f Makefile ] || PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig" "$top/configure" --quiet CC="$CC" $host --disable-shared \
	CPPFLAGS="-I$prefix/include -I$prefix/include/ncursesw" LDFLAGS="-L$prefix/lib"
make -s
[ -z "$run" ] || command -v "${run%% *}" > /dev/null || { echo "port.sh: no ${run%% *}: built, not tested" >&2; exit 0; }
[ -z "$run" ] || export CK_TIMEOUT_MULTIPLIER=30
# behind an emulator the scripts too whose commands can be run so
# shellcheck disable=SC2016
tests='$(check_PROGRAMS)'
[ -z "$run" ] || tests="$tests \$(valgrind_scripts)"
make -s check-unit UNIT_RUN="$run" UNIT_TESTS="$tests"
