# SPDX-License-Identifier: GPL-2.0-or-later
# What the plots share: the table on standard input is kept in the file @data, and the picture goes to the file of the first argument
# (.svg or .png), or as text to the terminal without one. Called as: COMMAND | gnuplot -c PLOT.gp [FILE]
# @data is removed by finish.gp.
data = system("mktemp")
system("cat > ".data)
rows = int(system("wc -l < ".data)) - 1
if (rows < 1) { system("rm -f ".data); system("echo 'expected a table with a header and rows on standard input, found none' >&2"); exit status 1 }
header = ",".system("head -n 1 ".data).","
has(name) = strstrt(header, ",".name.",") > 0
# the columns that the picture needs, separated by blanks
need(names) = (missing_ = "", sum [i_ = 1:words(names)] (has(word(names, i_)) ? 0 : (missing_ = word(names, i_), 1)), missing_)
distinct(column_) = system("awk -F, -v c=".column_." 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) n = i; next } !seen[$n]++ { print $n }' ".data)
last(column_) = system("awk -F, -v c=".column_." 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) n = i } END { print $n }' ".data)
first(column_) = system("awk -F, -v c=".column_." 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) n = i; next } { print $n; exit }' ".data)
# numbers of events are long: short with a suffix where that does not make neighbouring tics the same
tics_of(column_) = real(last(column_)) - real(first(column_)) >= 100000 ? "%.1s%c" : "%.10g"
if (!strlen(to)) {
	set terminal dumb size 110, 32
} else {
	if (to[strlen(to) - 3:] eq ".svg") {
		set terminal svg size 1000, tall font "sans,13" background "#ffffff"
	} else {
		set terminal pngcairo size 1000, tall font "sans,11" background "#ffffff"
	}
	set output to
}
set datafile separator comma
set datafile columnheaders
set datafile missing NaN
set grid ytics lc rgb "#dddddd" lt 1
set border 3 lc rgb "#555555"
set tics nomirror
set style fill solid 0.85 noborder
blue = 0x1f77b4; orange = 0xe6782e; green = 0x2ca02c; red = 0xc43a3a; violet = 0x8a63b5; grey = 0x999999; light = 0xc9d9ea
