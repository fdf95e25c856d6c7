#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Law: no file over 600 lines, no function over 80, no line over 140 columns; every file has its licence line and a place in Makefile.am.
set -u
cd "${srcdir:-.}" || exit 99
bad=0
n=0
# narrow FILE
narrow() {
	expand "$1" | awk -v f="$1" '
		length > 140 { print f ":" NR ": " length " columns, at most 140"; wide = 1 }
		END { exit wide }' || bad=1
}
for f in libmm/*/*.[ch] libmm/include/libmm/*.h libmm/include/libmm/*.def cmd/*.[ch] tests/*.[ch] tests/fuzz/*.c bench/*.c; do
	[ -f "$f" ] || continue
	n=$((n + 1))
	lines=$(wc -l < "$f")
	[ "$lines" -le 600 ] || { echo "$f: $lines lines, at most 600"; bad=1; }
	case $f in
	libmm/*) want=LGPL-2.1-or-later ;;
	*)	 want=GPL-2.0-or-later ;;
	esac
	# A program of one source of its own name is listed without the ending.
	case $f in
	*.def | libmm/include/*) ;;
	*) grep -qE "(^|[ 	])${f%.c}(\.c)?([ 	]|\$)" Makefile.am || { echo "$f: not named in Makefile.am"; bad=1; } ;;
	esac
	head -2 "$f" | grep -q "SPDX-License-Identifier: $want" || { echo "$f: no SPDX line with $want"; bad=1; }
	# A function begins after a line "{" in the first column and ends with "}" there.
	awk -v f="$f" '
		/^\{/ { start = NR }
		/^\}/ {
			if (start && NR - start > 80) { print f ":" start ": a function of " NR - start " lines, at most 80"; long = 1 }
			start = 0
		}
		END { exit long }' "$f" || bad=1
	narrow "$f"
done
for f in tests/*.sh tests/laws/*.sh tests/fuzz/*.sh; do
	[ -f "$f" ] || continue
	n=$((n + 1))
	narrow "$f"
done
[ "$n" -gt 40 ] || { echo "only $n files were checked"; bad=1; }
exit $bad
