#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Law: no file over 600 lines, no function over 80, no line over 140 columns; every file has its licence line and a place in Makefile.am.
set -u
cd "${srcdir:-.}" || exit 99
# A function begins after a line "{" in the first column and ends with "}" there. A program of one source of its own name is listed
# in Makefile.am without the ending.
awk '
	function wrong(what) { print what; bad = 1 }
	function columns(line,   n, tab) {
		while ((tab = index(line, "\t")) > 0) {
			n += tab + 7 - (n + tab - 1) % 8
			line = substr(line, tab + 1)
		}
		return n + length(line)
	}
	function ends() {
		if (lines > 600 && code) wrong(file ": " lines " lines, at most 600")
		if (code && !licence) wrong(file ": no SPDX line with " want)
	}
	FILENAME == "Makefile.am" { for (i = 1; i <= NF; i++) listed[$i] = 1; next }
	FNR == 1 {
		ends()
		file = FILENAME
		files++
		code = file !~ /\.sh$/
		want = file ~ /^libmm\// ? "LGPL-2.1-or-later" : "GPL-2.0-or-later"
		licence = start = 0
		bare = file
		sub(/\.c$/, "", bare)
		if (code && file !~ /\.def$|^libmm\/include\// && !(file in listed) && !(bare in listed))
			wrong(file ": not named in Makefile.am")
	}
	{ lines = FNR }
	FNR <= 2 && index($0, "SPDX-License-Identifier: " want) { licence = 1 }
	code && /^\{/ { start = FNR }
	code && /^\}/ {
		if (start && FNR - start > 80) wrong(file ":" start ": a function of " FNR - start " lines, at most 80")
		start = 0
	}
	length > 17 && columns($0) > 140 { wrong(file ":" FNR ": " columns($0) " columns, at most 140") }
	END {
		ends()
		if (files <= 40) wrong("only " files + 0 " files were checked")
		exit bad
	}' Makefile.am libmm/*/*.[ch] libmm/include/libmm/*.h libmm/include/libmm/*.def cmd/*.[ch] tests/*.[ch] tests/fuzz/*.c bench/*.c \
	tests/*.sh tests/laws/*.sh tests/fuzz/*.sh
