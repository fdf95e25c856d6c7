#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Law: each header compiles alone, public ones with nothing but the installed include path.
set -u
src=${srcdir:-.}
cc=${CC:-cc}
bad=0
n=0
alone() {	# HEADER INCLUDE_FLAGS...
	h=$1
	shift
	n=$((n + 1))
	printf '#include "%s"\nint mm_header_alone;\n' "$h" |
		$cc -std=gnu11 -Wall -Wextra -Werror -fsyntax-only "$@" -x c - || { echo "$h does not compile alone"; bad=1; }
}
for h in "$src"/libmm/include/libmm/*.h; do
	alone "libmm/${h##*/}" -I"$src/libmm/include"
done
for h in "$src"/libmm/[!i]*/*.h; do
	alone "${h#"$src"/libmm/}" -D_GNU_SOURCE -Wno-unused-function -I"$src/libmm/include" -I"$src/libmm"
done
[ "$n" -gt 20 ] || { echo "only $n headers were checked"; bad=1; }
exit $bad
