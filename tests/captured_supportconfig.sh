#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An unpacked supportconfig as a sysroot: the same files as sections of texts tell the same. Blank lines and those that begin with # are
# left out, as supportconfig does it.
. "${srcdir:-.}/tests/lib.sh"
TZ=UTC LC_ALL=C.UTF-8
export TZ LC_ALL

# a machine of files, of what supportconfig takes
plain=$tmp/plain
text=$tmp/scc_host_251201_0310
sos=$data/captures/sos
mkdir -p "$plain/proc/sys/vm" "$plain/sys/kernel/mm/transparent_hugepage" "$plain/sos_commands/kernel" "$plain/sos_commands/host" "$text"
cp "$sos"/proc/{meminfo,vmstat,slabinfo,cmdline} "$data"/captures/woken/two/proc/{zoneinfo,pagetypeinfo} "$plain/proc"
cp "$data/captures/6.18/proc/buddyinfo" "$plain/proc"
echo '/dev/vda1 / ext4 rw,relatime 0 0' > "$plain/proc/mounts"
printf 'processor\t: 0\nflags\t\t: fpu nx smep smap ospke la57\n\n' > "$plain/proc/cpuinfo"
echo 12345 > "$plain/proc/sys/vm/min_free_kbytes"
echo 'always [madvise] never' > "$plain/sys/kernel/mm/transparent_hugepage/enabled"
cp "$sos/sos_commands/kernel/dmesg" "$plain/sos_commands/kernel/dmesg_-T"
cp "$sos/sos_commands/host/uptime" "$plain/sos_commands/host"
cat > "$plain/ps" <<'END'
USER         PID    PPID %CPU %MEM    VSZ   RSS STAT     TIME CMD
root           1       0  0.0  1.0 100000 10240 Ss   00:00:05 /sbin/init
root          20       1  0.1  0.5  50000  5120 S    00:01:00 [kworker/0:1]
END

# file TEXT PATH..., command TEXT WORDS FILE
file() {
	local to=$text/$1 f
	shift
	for f; do
		printf '#==[ Configuration File ]===========================#\n'
		if [ -e "$plain/$f" ]; then
			printf '# /%s\n' "$f"
			sed '/^[[:space:]]*#/d;/^[[:space:]]*;/d;s/\r//g;/^[[:space:]]*$/d' "$plain/$f"
			echo
		else
			printf '# /%s - File not found\n' "$f"
		fi
		echo
	done >> "$to"
}
command_() {
	{
		printf '#==[ Command ]======================================#\n# %s\n' "$2"
		cat "$3"
		echo
	} >> "$text/$1"
}
thp=sys/kernel/mm/transparent_hugepage
command_ basic-health-check.txt /usr/bin/uptime "$plain/sos_commands/host/uptime"
command_ basic-health-check.txt '/usr/bin/ps axwwo user,pid,ppid,%cpu,%mem,vsz,rss,stat,time,cmd' "$plain/ps"
command_ basic-environment.txt /usr/bin/date /dev/null
command_ memory.txt '/usr/bin/vmstat 1 4' /dev/null
file memory.txt proc/meminfo proc/pagetypeinfo proc/vmstat
file memory.txt proc/buddyinfo proc/slabinfo proc/zoneinfo $thp/defrag $thp/enabled
file hardware.txt proc/cpuinfo proc/cmdline proc/ioports
file proc.txt proc/mounts proc/zoneinfo proc/sys/vm/min_free_kbytes proc/sys/vm/swappiness
command_ boot.txt '/usr/bin/dmesg -T | grep drm' /dev/null
command_ boot.txt '/usr/bin/dmesg -T' "$plain/sos_commands/kernel/dmesg_-T"

# both COMMAND...: the same of both; the folder's name stands for itself in messages
both() {
	local way
	for way in plain text; do
		"$@" "--sysroot=${!way}" < /dev/null > "$tmp/$way.out" 2> "$tmp/$way.err"
		echo "status $?" >> "$tmp/$way.out"
		sed -i 's/^top - [0-9:]*/top - now/' "$tmp/$way.out"	# the time of day
	done
	cmp -s "$tmp/plain.out" "$tmp/text.out" || fail "$*: $(diff "$tmp/plain.out" "$tmp/text.out" | head -5) $(cat "$tmp/text.err")"
	grep -q '^status 0$' "$tmp/plain.out" || fail "$*: $(cat "$tmp/plain.err")"
}
both mm-iomem
both mm-iomem -t summary
both mm-iomem -t zones
both mm-buddy
both mm-buddy -t types
both mm-buddy --explain=9,GFP_KERNEL
both mm-slab
both mm-top -b -n1 --csv
both mm-top -b -n1 --human -w100
same "ps" 20,kworker/0:1 "$(awk '$1 == 20 { print $1 "," $NF }' "$tmp/text.out")"
grep -q '^%Cpu(s): not known$' "$tmp/text.out" || fail "top: $(sed -n 3p "$tmp/text.out")"
grep -q '^top - .* up 3 days,  4:05,  2 users,' "$tmp/text.out" || fail "top: $(sed -n 1p "$tmp/text.out")"
refused 1 'proc/stat: No such file' mm-vmstat --sysroot="$text"
for way in plain text; do
	echo event | mm-vma -M "${!way}" -n -o event,name,result > "$tmp/$way.out" 2> "$tmp/$way.err" || fail "-M: $(cat "$tmp/$way.err")"
	mm-reclaim -M "${!way}" -t summary "$data/manual/hog.csv" > "$tmp/$way.reclaim" 2>&1 || fail "-M: $(cat "$tmp/$way.reclaim")"
done
cmp "$tmp/plain.out" "$tmp/text.out" || fail "-M: $(diff "$tmp/plain.out" "$tmp/text.out" | head)"
cmp "$tmp/plain.reclaim" "$tmp/text.reclaim" || fail "-M: $(diff "$tmp/plain.reclaim" "$tmp/text.reclaim" | head)"
same "-M, min_free_kbytes" sysctl,vm.min_free_kbytes,12345 "$(grep min_free_kbytes "$tmp/text.out")"

# messages name the text and its line
nr=$(grep -n '^# /proc/buddyinfo' "$text/memory.txt" | cut -d: -f1)
sed -i "$((nr + 1))s/zone.*/zone DMA x/" "$text/memory.txt"
rm "$plain/proc/pagetypeinfo"
sed -i 's|^# /proc/pagetypeinfo|& - File not found|' "$text/memory.txt"
refused 1 "memory.txt:$((nr + 1)): expected" mm-buddy --sysroot="$text"
# what supportconfig could not run, or did not find, is not there
sed -i '/dmesg -T$/,$c# /usr/bin/dmesg -T\nERROR: Command not found or not executible\n' "$text/boot.txt"
refused 1 'expected a map .proc/iomem or sys/firmware/memmap., found only zones' mm-iomem --sysroot="$text"
# texts that are no files are not waited for
rm "$text/memory.txt" && mkfifo "$text/memory.txt"
refused 1 'proc/buddyinfo: No such file' mm-buddy --sysroot="$text"
exit $failed
