#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Law: a floor includes itself and the floors below it, never one above;
# commands include only <libmm/...> and their own headers; the installed API only itself.
set -u
cd "${srcdir:-.}" || exit 99
bad=0
awk '
	BEGIN {
		base = "base"
		may["base"] = base
		may["table"] = base " table"
		may["source"] = base " table source"
		may["phys"] = base " phys"
		may["slab"] = base " phys slab"
		may["cache"] = base " phys slab cache"
		may["virt"] = base " phys slab cache virt"
		may["fault"] = base " phys slab cache virt fault"
		may["reclaim"] = base " phys slab cache virt reclaim"
		may["machine"] = base " table source phys slab cache virt fault reclaim machine"
	}
	FNR == 1 { split(FILENAME, part, "/"); floor = part[2]; checked++ }
	match($0, /^#[ \t]*include[ \t]*"[a-z]*\//) {
		up = substr($0, RSTART, RLENGTH - 1)
		sub(/.*"/, "", up)
		if (index(" " may[floor] " ", " " up " ") == 0) { print FILENAME ": " floor "/ must not include " up "/"; bad = 1 }
	}
	END {
		if (checked <= 20) { print "only " checked + 0 " files were checked"; bad = 1 }
		exit bad
	}' libmm/*/*.[ch] || bad=1
# Commands see only the installed API and cmd/'s own headers.
if grep -nE '^#[ \t]*include[ \t]*"[a-z]+/' cmd/*.[ch]; then echo "a command reaches into the library"; bad=1; fi
# The installed API sees only itself.
if grep -nE '^#[ \t]*include[ \t]*"' libmm/include/libmm/*.h; then echo "an installed header includes an internal one"; bad=1; fi
# ncurses is for top_screen.c alone.
if grep -lE '^#[ \t]*include[ \t]*<(n?curses|term)' libmm/*/*.[ch] cmd/*.[ch] | grep -v '^cmd/top_screen'; then
	echo "ncurses outside cmd/top_screen.c"; bad=1
fi
# Arrays by CPU are found by an offset that is kept beside the number.
if grep -nE 'ctx(->|\.)cpu( = |\+\+)' libmm/*/*.[ch] tests/*.[ch] bench/*.c | grep -v '^libmm/phys/ctx.h:'; then
	echo "the running CPU is set by mm_set_cpu() alone"; bad=1
fi
# Host memory that the machine is short of is never the kernel's ENOMEM: base/host_memory.h remembers it.
if grep -nE '(^|[^_[:alnum:]])(malloc|calloc|realloc|reallocarray|aligned_alloc|strdup|strndup|asprintf|mmap|mm_grow)\(' \
	libmm/phys/*.[ch] libmm/slab/*.[ch] libmm/cache/*.[ch] libmm/virt/*.[ch] libmm/fault/*.[ch] libmm/reclaim/*.[ch] \
	libmm/machine/*.[ch] |
	grep -vE '^[^:]*:[0-9]+:( \*|.*/\*.*mmap\()'; then
	echo "host memory is asked for by mm_host_malloc() and its kin (base/host_memory.h)"; bad=1
fi
# 128-bit integers, which a 32-bit compiler lacks, are for wide.h alone.
if grep -l '__int128' libmm/*/*.[ch] libmm/include/libmm/*.h cmd/*.[ch] tests/*.[ch] | grep -v '/libmm/wide.h$'; then
	echo "__int128 outside libmm/wide.h"; bad=1
fi
exit $bad
