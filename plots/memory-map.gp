# SPDX-License-Identifier: GPL-2.0-or-later
# The physical address space up to the end of RAM; nested regions stand to the right of the region around them:
#   mm-iomem -t regions | gnuplot -c memory-map.gp map.svg
tall = 760; to = ARGC > 0 ? ARG1 : ""; more = ARGC > 1 ? ARG2 : ""
here = system("dirname '".ARG0."'")."/"
load here."common.gp"
if (strlen(need("start end depth kind"))) { system("rm -f ".data); system("echo 'memory-map.gp: expected the table regions of mm-iomem' >&2"); exit status 1 }
gib = 1073741824.
end_of_ram = real(system("awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at[\"kind\"] == \"ram\" { e = $at[\"end\"] } END { print e }' ".data." | { read e; echo $((e + 1)); }")) / gib
color(kind) = kind eq "ram" ? 0x9fc5e8 : kind eq "reserved" ? 0x999999 : kind eq "mmio" ? 0xf1c27d : kind eq "acpi" || kind eq "nvs" ? 0x8a63b5 : \
	kind eq "rom" ? 0x6b4f3a : kind eq "kernel" ? 0x2b6cb0 : kind eq "pmem" ? 0x2ca02c : 0xd0d0d0
set title "Physical address space"
set ylabel "address (GiB)"
set yrange [end_of_ram * 1.02:-end_of_ram * 0.01]
deepest = int(system("awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at[\"depth\"] > d { d = $at[\"depth\"] } END { print d + 0 }' ".data))
set xrange [-0.1:deepest + 1]
set xlabel "depth"
set xtics 0, 1
set key outside right
set style fill solid 0.85 border	# so that what is thinner than a line is a line
hex(s) = real(system("echo $((".s."))"))
kinds = distinct("kind")
plot for [k in kinds] sprintf("< awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at[\"kind\"] == \"%s\" { print $at[\"depth\"] \",\" $at[\"start\"] \",\" $at[\"end\"] }' %s | while IFS=, read d s e; do echo $d,$((s)),$((e + 1)); done | sed 1i\\d,s,e", k, data) \
	using ($1 + 0.45):($2 / gib):($1):($1 + 0.9):($2 / gib):($3 / gib) with boxxyerror lw 0.7 lc rgb color(k) title k noenhanced
load here."finish.gp"
