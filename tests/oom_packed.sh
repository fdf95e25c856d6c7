#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel's reports read the same whatever mails, trackers, collectors of logs and vendors' kernels have made of their lines: those of
# tests/data/oom, one behind the other, and a map of the firmware, in each form.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

stamp='^\[ *[0-9]+\.[0-9]+\] '
bare() { sed -E "s/$stamp//"; }
escaped() { sed -E 's/["\\]/\\&/g'; }			# for a string of JSON
wrap() { fold -s -w "$1" | sed 's/ *$//'; }		# "fold -s" breaks behind a blank
# before TEXT: what stands before each line, & is none
before() { bare | sed "s|^|$1|"; }
json() { bare | escaped | sed "s|.*|$1|"; }

others=$(declare -F)
mail() { sed 's/^/> /'; }
mail_twice() { sed 's/^/> > /'; }
mail_wrapped() { wrap 72; }
mail_wrapped_wide() { wrap 78; }
mail_wrapped_quoted() { wrap 72 | sed 's/^/> /'; }
mail_wrapped_unstamped() { bare | wrap 72; }
mail_flowed() { fold -s -w 72; }
tracker_wrapped() { { echo 'Description of problem:'; echo; cat; } | wrap 80; }
syslog_wrapped() { sed 's/^/Nov 29 14:21:26 host kernel: /' | wrap 76; }
quoted_printable() {
	sed 's/=/=3D/g' | awk '{
		while (length($0) > 76) {
			n = 75
			while (substr($0, n, 1) == "=" || substr($0, n - 1, 1) == "=")
				n--
			print substr($0, 1, n) "="
			$0 = substr($0, n + 1)
		}
		print
	}'
}
quoted_printable_wrapped() { fold -s -w 72 | sed 's/^/> > /' | quoted_printable | sed 's/ $/=20/'; }
html() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }
html_lines() { html | sed 's/$/<br>/'; }
html_pre() { echo '<pre>'; html; echo '</pre>'; }
logcat() { before '11-29 12:00:01.123     0     0 W         : '; }
logcat_threadtime() { before '11-29 12:00:01.123     0     0 W '; }
logcat_brief() { before 'W/        (    0): '; }
mediatek() { before '<4>[  123.456789]-(0)[123:comm]'; }
mediatek_blanks() { before '[  123.456789]  (0)'; }
qualcomm() { before '<6>[  123.456789] c0    123 '; }
samsung() { before '<6>[  123.456789]  [1:  kworker/u16:3: 1234] '; }
pstore() { echo 'Panic#1 Part1'; sed 's/^/<4>/'; }
ramoops() { echo '====1764425486.123456-D'; sed 's/^/<4>/'; }
kmsg_with_keys() { before '6,1234,567890,-;' | sed 's/$/\n SUBSYSTEM=memory\n DEVICE=+memory:memory1/'; }
netconsole_of_a_host() { before '192.168.1.5: 6,1234,567890,-;'; }
journal_export() { bare | sed 's/.*/__CURSOR=s=1;i=2\n_TRANSPORT=kernel\nPRIORITY=4\nMESSAGE=&\n_BOOT_ID=ab\n/'; }
journal_verbose() {
	bare | sed 's/.*/Sun 2026-11-29 14:21:26.123456 UTC [s=ab;i=1;b=ab;m=12;t=5;x=6]\n    MESSAGE=&\n    PRIORITY=4/'
}
journal_precise() { before 'Nov 29 14:21:26.123456 host kernel[0]: '; }
journal_json_pretty() { json '{\n\t"__CURSOR" : "s=1",\n\t"MESSAGE" : "&",\n\t"PRIORITY" : "4"\n}'; }
journal_json_seq() { json '\x1e{"MESSAGE":"&","PRIORITY":"4"}'; }
journal_json_sse() { json 'data: {"MESSAGE":"&","PRIORITY":"4"}\n'; }
dmesg_json() {
	printf '{\n   "dmesg": [\n'
	json '      {\n         "pri": 4,\n         "time": 5.156675,\n         "msg": "&"\n      },'
}
gcp_json_payload() { json '{"insertId":"1","jsonPayload":{"host":"message","message":"&"},"timestamp":"2026"}'; }
gcp_serial_port() { escaped | sed 's|.*|  {\n    "insertId": "1",\n    "textPayload": "&\\r\\n",\n    "a": "2026"\n  },|'; }
elastic() { json '{"@timestamp":"2026","log":{"offset":1},"message":"&"}'; }
fluentd() { json '2026-11-29 14:21:26.123 +0000 kernel: {"priority":"4","message":"&"}'; }
loki_lines() { escaped | sed 's|.*|{"labels":{"job":"kernel"},"line":"&","timestamp":"2026"}|'; }
loki_query() {
	echo -n '{"status":"success","data":{"resultType":"streams","result":[{"stream":{"job":"k"},"values":[["1","a line"]'
	escaped | sed 's|.*|,["1764425486000000000","&"]|' | tr -d '\n'
	echo ']}]}}'
}
splunk() { escaped | sed 's|.*|{"preview":false,"result":{"_raw":"Nov 29 14:21:26 host kernel: &"}}|'; }
cloudwatch_tail() { before '2026-11-29T14:21:26.123000+00:00 i-0abc '; }
cloudwatch_csv() { echo 'timestamp,message'; sed 's/"/""/g; s/.*/1764425486000,"&"/'; }
ec2_console() { echo '{'; escaped | sed 's/$/\\r\\n/' | tr -d '\n' | sed 's/.*/    "Output": "&"\n/'; echo '}'; }
serial() { sed 's/$/\r/'; }
serial_twice() { sed 's/$/\r\r/'; }
serial_callers() {
	sed -E 's/^(\[[^]]*\]) /\1[  T243] /' | awk '{ print } NR % 3 == 2 { print "[   28.673999][    C1] eth0: NIC Link is Up" }'
}
forms=$(declare -F | grep -vxF "$others" | sed 's/^declare -f //')

# told LOG: what is said of its reports and of the zones that eight of them have; without numbers of lines, and of what the log is called
told() {
	{
		mm-reclaim -t oom --explain-oom="$1"
		mm-reclaim --human --explain-oom="$1"
		for report in $zones; do mm-buddy --explain=0,GFP_KERNEL --report="$report" "$1"; done
	} 2>&1 | sed -E "s/\(line [0-9]+\)//; s|$1(:[0-9]+)?|FILE|"
}
cat "$data"/oom/*.dmesg > plain
zones=$(awk '/invoked oom-killer/ { n++ } /Mem-Info:/ { print n - 1 }' plain)
same "reports with zones" 8 "$(wc -w <<< "$zones")"
told plain > plain.told
for form in $forms; do
	$form < plain > packed
	[ "$form" = html ] || { cmp -s plain packed && fail "$form: the reports were not changed"; }
	told packed > packed.told
	cmp -s plain.told packed.told || fail "the reports in the form of $form: $(diff plain.told packed.told | head -6)"
done

# the map at a log's beginning
cat > plain << 'END'
[    0.000000] Linux version 6.1.0 (a@b) (gcc 12) #1 SMP
[    0.000000] Command line: root=/dev/vda1 "a=b"
[    0.000000] BIOS-provided physical RAM map:
[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable
[    0.000000] BIOS-e820: [mem 0x000000000009fc00-0x000000000009ffff] reserved
[    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] usable
[    0.000000] BIOS-e820: [mem 0x0000000040000000-0x00000000400fffff] ACPI data
[    0.000000] e820: update [mem 0x00000000-0x00000fff] usable ==> reserved
[    0.000000] e820: remove [mem 0x000a0000-0x000fffff] usable
[    0.010000] ACPI: SRAT: Node 0 PXM 0 [mem 0x00000000-0x1fffffff]
[    0.010000] ACPI: SRAT: Node 1 PXM 1 [mem 0x20000000-0x3fffffff]
END
{
	printf '[    0.050000] Memory: 992468K/1048188K available (16384K kernel code, 2749K rwdata, 6996K rodata, '
	echo '2288K init, 2016K bss, 55720K reserved, 0K cma-reserved)'
} >> plain
map() { { mm-iomem "$1"; mm-iomem -t summary "$1"; } 2>&1; }
map plain > plain.told
same "the map" "26 1023.6M" "$(wc -l < plain.told) $(mm-iomem --human -t summary plain | awk '$1 == "ram" { print $2 }')"
for form in $forms; do
	$form < plain > packed
	map packed > packed.told
	cmp -s plain.told packed.told || fail "the map in the form of $form: $(diff plain.told packed.told | head -6)"
done

# What cannot be put together is told: a table whose columns are cut, and rows that end too early.
report=$data/oom/6.1-basic.dmesg
cut -c1-70 "$report" > cut
refused 1 'ends before its task table' mm-reclaim -t oom --explain-oom=cut
sed -E 's/^(\[[^]]*\] \[ *105\] +0 +105) .*/\1/' "$report" > cut
mm-reclaim -t oom --explain-oom=cut > out 2> err || fail "a cut row: $(cat err)"
grep -q 'cut: 1 rows of task tables are cut off, and left out' err || fail "a cut row: $(cat err)"
exit $failed
