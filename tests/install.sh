#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make install into a folder of its own: everything is there and runs; make uninstall leaves neither a file nor a folder of our own.
. "${srcdir:-.}/tests/lib.sh"
[ -f Makefile ] || exit 77
root=$tmp/root
make_() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s "$@" DESTDIR="$root" > "$tmp/log" 2>&1 ||
	fail "make $*: $(tail -n 5 "$tmp/log")"; }

make_ install
prefix=$(dirname "$(dirname "$(find "$root" -name mm-buddy -path '*/bin/*')")")
for c in buddy fault iomem reclaim slab top vma vmstat; do
	LD_LIBRARY_PATH=$prefix/lib "$prefix/bin/mm-$c" --version > "$tmp/out" 2> "$tmp/err" || fail "mm-$c: $(cat "$tmp/err")"
	[ -n "$(find "$root" -name "mm-$c.1")" ] || fail "mm-$c has no manual"
done
for f in libmm.3 mm-tables.5 mm-trace.5 mm-tools.7 libmm.pc common.gp machine.h events.def; do
	[ -n "$(find "$root" -name "$f")" ] || fail "$f is not installed"
done
# what is said to lie below the prefix does
same "$(basename "$prefix")" "" "$(find "$root" -type f ! -path "$prefix/*" | head -n 3)"
# nothing tells where it was built
same "build folder" "" "$(grep -rlF "$root" "$root" | head -n 3)"

make_ uninstall
same "left behind" "" "$(find "$root" ! -type d)"
same "folders left behind" "" "$(find "$prefix" -mindepth 1 -type d \( -name 'mm-tools*' -o -name libmm \))"
make_ uninstall		# what is not there need not be removed
exit $failed
