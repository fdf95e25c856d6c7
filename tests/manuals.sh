#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manuals: free of mandoc's warnings, every option of every command in its page, mm-tables(5) as the commands say,
# and every example gives what the page shows.
#
# An example is a line ".Dl $ COMMAND", which must succeed and say something, or stands in a .Bd block: "$ COMMAND" (a
# backslash at the end goes on in the next line) and below it what it prints.  There "..." stands for any number of lines,
# and lines that begin with "mm-NAME: " are those on standard error.  Below a comment "about" numbers may differ by a third,
# or by 64: counts of reclaim move when its model does.  Examples that begin with "# " need root or a
# running system and are not run.
. "${srcdir:-.}/tests/lib.sh"
cd "$src" || exit 99
export LC_ALL=C.UTF-8 TZ=UTC TERM=dumb HOME="$tmp"
unset COLUMNS NO_COLOR XDG_CONFIG_HOME
commands='mm-buddy mm-fault mm-iomem mm-reclaim mm-slab mm-top mm-vma mm-vmstat'

# ---- the pages themselves ----
pages=$(ls man/*.[1-9])
if command -v mandoc > /dev/null; then
	for page in $pages; do
		mandoc -Tlint -Wwarning "$page" > "$tmp/lint" 2> /dev/null
		[ -s "$tmp/lint" ] && fail "$(cat "$tmp/lint")"
	done
else
	echo "mandoc is missing: the pages are not linted"
fi
for page in $pages; do
	for ref in $(sed -n 's/^\.Xr \(mm-[a-z]*\) \([0-9]\).*/man\/\1.\2/p' "$page" | sort -u); do
		[ -f "$ref" ] || fail "$page refers to $ref, which is not there"
	done
done

# ---- options ----
for command in $commands; do
	page=man/$command.1
	nr=0
	while IFS=$'\t' read -r long letter rest; do
		nr=$((nr + 1))
		grep -qE "^\.(It |Op )?Fl (.* )?-${long#--}( |\$)" "$page" || fail "$page does not tell of $long"
		[ "$letter" = - ] || grep -qE "^\.(It )?Fl (.* )?\\\\?&?$letter( |\$)" "$page" || fail "$page does not tell of -$letter"
	done < <("$command" --list-options < /dev/null)
	[ $nr -gt 20 ] || fail "$command --list-options gave $nr options"
done
shared() { awk '/^\.Sh/ { inside = /SHARED OPTIONS/ } inside' "$1"; }
for command in mm-fault mm-iomem mm-reclaim mm-slab mm-vma; do
	[ -n "$(shared man/$command.1)" ] && [ "$(shared man/$command.1)" = "$(shared man/mm-buddy.1)" ] ||
		fail "the shared options read differently in man/$command.1"
done

mm-slab -S help < /dev/null | sed 's/ .*//' > "$tmp/tunables"
sed -n '/^\.Sh TUNABLES/,/^\.El/s/^\.It Li //p' man/mm-tools.7 | diff - "$tmp/tunables" > "$tmp/diff" ||
	fail "mm-tools(7) tells of other tunables than there are: $(cat "$tmp/diff")"
# of those whose entry tells a default
sed -n '/^\.Sh TUNABLES/,/^\.El/p' man/mm-tools.7 |
	awk '/^\.It Li / { name = $3 }
	match($0, /default [0-9]+/) && !(name in told) { told[name]; print name, substr($0, RSTART + 8, RLENGTH - 8) }' | sort > "$tmp/told"
mm-slab -S help < /dev/null | sed -n 's/^\([^ ]*\) .*(default \([0-9]*\)[,)].*/\1 \2/p' | sort > "$tmp/defaults"
[ "$(wc -l < "$tmp/told")" -gt 50 ] || fail "mm-tools(7) tells of $(wc -l < "$tmp/told") defaults"
join "$tmp/told" "$tmp/defaults" | awk '$2 != $3' > "$tmp/diff"
[ ! -s "$tmp/diff" ] || fail "mm-tools(7) tells of other defaults than there are: $(cat "$tmp/diff")"

sed -n '/,$/ { N; s/\n\t// }; s/^X([A-Z_]*,[\t ]*\([a-z_]*\),.*"\(.*\)").*/\1 \2/p' libmm/include/libmm/events.def | sort > "$tmp/events"
[ -s "$tmp/events" ] || fail "no events in events.def"
sed -n '/^\.Ss Events/,/^\.Ss The/p' man/mm-trace.5 | awk '/^\.It Li / { word = $3; getline; print word " " $0 }' | sort |
	diff - "$tmp/events" > "$tmp/diff" || fail "mm-trace(5) tells of other events than there are: $(cat "$tmp/diff")"

# ---- tables ----
man/mm-tables.sh > "$tmp/mm-tables.5" || fail "man/mm-tables.sh"
diff man/mm-tables.5 "$tmp/mm-tables.5" > "$tmp/diff" ||
	fail "man/mm-tables.5 is not what the commands say; man/mm-tables.sh makes it: $(head -10 "$tmp/diff")"

# each table in the page of its command, each header in libmm(3)
for command in $commands; do
	nr=0
	for table in $("$command" --table=help < /dev/null | sed -n 's/^\([a-z_]*\): .*/\1/p' | sort -u); do
		nr=$((nr + 1))
		grep -qE "^\.(It )?(Li|Cm) ([a-z]+ , )*$table( |\$)" "man/$command.1" ||
			fail "man/$command.1 does not tell of the table $table"
	done
	[ $nr -ge 2 ] || fail "$command --table=help gave $nr tables"
done
for header in libmm/include/libmm/*.h; do
	grep -qE "^\.It .*In ${header#libmm/include/}( |\$)" man/libmm.3 || fail "man/libmm.3 does not tell of $header"
done

# ---- examples ----
# extract PAGE: a folder N for each example with the files command, out, err; prints how many
extract() {
	awk -v dir="$tmp/ex" '
	function begin(text) { d = dir "/" ++n; system("mkdir -p " d); print text > (d "/command") }
	{ gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\[(]aq/, "\047") }
	/^\.Dl \$ / { begin(substr($0, 7)); next }
	/^\.\\" about/ { about = 1 }
	/^\.Bd/ { inside = 1; going = shown = 0; next }
	/^\.Ed/ { inside = about = 0; next }
	!inside { next }
	going { print > (d "/command"); going = /\\$/; next }
	/^\$ / { begin(substr($0, 3)); going = /\\$/; shown = 1; printf "" > (d "/out"); if (about) print > (d "/about"); next }
	/^# / { shown = 0 }
	shown && /^mm-[a-z]*: / { print > (d "/err"); next }
	shown { print > (d "/out") }
	END { print n + 0 }' "$1"
}
# matches EXPECTED FOUND ABOUT: line by line, "..." is any number of lines; where the file ABOUT is there, numbers may differ
matches() {
	awk -v about="$([ -f "$3" ] && echo 1)" '
	function differ(a, b,	x, y, n, i, by) {
		if (a == b || !about)
			return a != b
		n = split(a, x, /[ ,]+/)
		if (split(b, y, /[ ,]+/) != n)
			return 1
		for (i = 1; i <= n; i++) {
			by = x[i] - y[i]
			if (x[i] != y[i] && (x[i] y[i] !~ /^[0-9]+$/ || by * by > (x[i] / 3) ^ 2 && by * by > 64 ^ 2))
				return 1
		}
		return 0
	}
	{ sub(/ +$/, "") }
	FILENAME == ARGV[1] { want[++nw] = $0; next }
	{ got[++ng] = $0 }
	END {
		for (w = g = 1; w <= nw; w++) {
			if (want[w] == "...") {
				while (g <= ng && w < nw && got[g] != want[w + 1])
					g++
				if (w == nw)
					g = ng + 1
			} else if (g > ng || differ(want[w], got[g++])) {
				print "line " w ": expected \"" want[w] "\", found \"" (g - 1 <= ng ? got[g - 1] : "") "\""
				exit 1
			}
		}
		if (g <= ng) {
			print "more than expected: " got[g]
			exit 1
		}
	}' "$1" "$2"
}
examples=0
for page in $pages; do
	rm -rf "$tmp/ex"
	nr=$(extract "$page")
	examples=$((examples + nr))
	for ((i = 1; i <= nr; i++)); do
		ex=$tmp/ex/$i
		timeout "${MM_TIMEOUT:-60}" bash "$ex/command" > "$tmp/out" 2> "$tmp/err" < /dev/null ||
			fail "$page: '$(cat "$ex/command")': status $?: $(head -3 "$tmp/err")"
		if [ -f "$ex/out" ]; then
			touch "$ex/err"
			why=$(matches "$ex/out" "$tmp/out" "$ex/about") || fail "$page: '$(cat "$ex/command")': $why"
			why=$(matches "$ex/err" "$tmp/err" "$ex/about") || fail "$page: '$(cat "$ex/command")': standard error: $why"
		else
			[ -s "$tmp/out" ] || fail "$page: '$(cat "$ex/command")' says nothing"
		fi
	done
done
[ $examples -ge 30 ] || fail "expected thirty examples, found $examples"
exit $failed
