#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The session in README.md is what the commands print on a terminal of 120 columns.
# In a block of code a line "$ COMMAND" is run and what follows it, up to the next one or the end of the block, is compared.
# "tests/readme.sh --write" writes what was printed into README.md instead.
. "${srcdir:-.}/tests/lib.sh"
script -qec true /dev/null < /dev/null > /dev/null 2>&1 || { echo "script(1) or a pseudo-terminal is missing"; exit 77; }
export LC_ALL=C.UTF-8 NO_COLOR=1
unset COLUMNS
cd "$src" || exit 99
new=$tmp/README.md
runs=0
skip=0
while IFS= read -r line; do
	case $line in
	'$ '*)
		printf '%s\n' "$line" >> "$new"
		script -qec "stty cols 120 rows 60; { ${line#\$ }; } 2> /dev/null" /dev/null < /dev/null |
			tr -d '\r' | sed 's/ *$//' >> "$new"
		runs=$((runs + 1))
		skip=1
		;;
	'```'*)
		skip=0
		printf '%s\n' "$line" >> "$new"
		;;
	*)
		[ $skip = 1 ] || printf '%s\n' "$line" >> "$new"
		;;
	esac
done < README.md
[ $runs -ge 4 ] || { echo "only $runs commands were found in README.md"; exit 1; }
[ "${1-}" != --write ] || { cp "$new" README.md; exit; }
diff README.md "$new"
