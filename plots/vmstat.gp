# SPDX-License-Identifier: GPL-2.0-or-later
# Four panels of vmstat over time, of the live system or of a simulated machine:
#   mm-vmstat --csv 1 60 | gnuplot -c vmstat.gp vmstat.svg
#   mm-reclaim --memory-max=640K --swap=64M RECORDING | mm-vmstat --csv --every=100000ev - | gnuplot -c vmstat.gp vmstat.svg
tall = 860; to = ARGC > 0 ? ARG1 : ""; more = ARGC > 1 ? ARG2 : ""
here = system("dirname '".ARG0."'")."/"
load here."common.gp"
if (strlen(need("swpd_kib free_kib"))) { system("rm -f ".data); system("echo 'vmstat.gp: expected the table of mm-vmstat' >&2"); exit status 1 }
is_trace = has("seq") || has("time_s")
time = system("head -n 1 ".data." | cut -d, -f 1")
rate = is_trace ? "" : "_s"
set lmargin 12; set rmargin 22
set key outside right
x(dummy) = is_trace ? column(1) : column(0)
set multiplot layout 4, 1 title is_trace ? "The simulated machine" : "vmstat"
set ylabel "MiB"
set yrange [0:*]
set format x ""
plot data using (x(0)):(column("cache_kib") / 1024) with lines lw 2 lc rgb blue title "cache", \
	"" using (x(0)):(column("swpd_kib") / 1024) with lines lw 2 lc rgb red title "swap used"
plot data using (x(0)):(column("free_kib") / 1024) with lines lw 2 lc rgb green title "free"
set ylabel is_trace ? "KiB" : "KiB/s"
plot data using (x(0)):(column("si_kib".rate)) with lines lw 2 lc rgb orange title "swapped in", \
	"" using (x(0)):(column("so_kib".rate)) with lines lw 2 lc rgb red title "swapped out", \
	"" using (x(0)):(column("bi_kib".rate)) with lines lw 1 lc rgb blue title "read", \
	"" using (x(0)):(column("bo_kib".rate)) with lines lw 1 lc rgb grey title "written"
set format x is_trace ? tics_of(time) : "%g"
set xlabel is_trace ? time : "sample" noenhanced
if (is_trace) {
	set ylabel "events"
	plot data using (x(0)):(column("minflt")) with lines lw 2 lc rgb blue title "minor faults", \
		"" using (x(0)):(column("majflt")) with lines lw 2 lc rgb red title "major faults", \
		"" using (x(0)):(column("scan")) with lines lw 1 lc rgb grey title "pages scanned"
} else {
	set ylabel "%"
	set yrange [0:100]
	plot data using (x(0)):(column("us_pct")) with lines lw 2 lc rgb blue title "user", \
		"" using (x(0)):(column("sy_pct")) with lines lw 2 lc rgb red title "system", \
		"" using (x(0)):(column("wa_pct")) with lines lw 2 lc rgb orange title "I/O wait"
}
unset multiplot
load here."finish.gp"
