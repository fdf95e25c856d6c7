#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-top in a real terminal emulator: keys, questions, resizing, no colours under NO_COLOR, the saved configuration.
set -u
command -v tmux > /dev/null || exit 77
src=$(cd "${srcdir:-.}" && pwd) || exit 99
top=$(pwd)/mm-top
tmp=$(mktemp -d) || exit 99
n=0
socket=mm-top-test-$$-$n
t() { tmux -L "$socket" -f /dev/null "$@"; }
trap 't kill-server 2> /dev/null; rm -rf "$tmp"' EXIT
bad=0
fail() { echo "$@"; t capture-pane -p 2> /dev/null | head -24; bad=1; }

# begin ENVIRONMENT WIDTH HEIGHT WORD...
begin() {
	environment=$1 width=$2 height=$3
	shift 3
	t kill-server 2> /dev/null
	n=$((n + 1))
	socket=mm-top-test-$$-$n
	t new-session -d -x "$width" -y "$height" \
		"env LC_ALL=C.UTF-8 XDG_CONFIG_HOME='$tmp/xdg' $environment '$top' $*; echo status \$?; sleep 30" || exit 77
}
# see PATTERN [not]: within five seconds the screen shows it
see() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
		t capture-pane -p | grep -q -- "$1" && return
		sleep 0.2
	done
	fail "the screen does not show: $1"
}
gone() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		t capture-pane -p | grep -q -- "$1" || return
		sleep 0.2
	done
	fail "the screen still shows: $1"
}
row() { t capture-pane -p | sed -n "$1p"; }
key() { t send-keys "$@"; }

names="--sysroot=$src/tests/data/proc-names"
# help and headings fit 80 columns
begin "" 80 24 "$names"
see '^ *301 root .* defunct'
key h; see 'N pid  < > column left, right  R turn round$'; see 'W save this configuration  h this help  q quit$'; see '^Any key goes back'
key x; gone 'mm-top: keys'; key f; see '^Fields .* q back *$'; key q; gone '^Fields'; key q
begin "" 100 24 "$names"
see '^ *301 root .* defunct one'
see '^Tasks:   8 total'
key M; sleep 0.3; see 'tab(1)'
row 9 | grep -q '^ *212 ' || fail "M: line 9 is $(row 9)"
key R; sleep 0.3; row 9 | grep -q '^ *301 ' || fail "R: line 9 is $(row 9)"
key N R; sleep 0.3; row 8 | grep -q '^ *301 ' || fail "N: line 8 is $(row 8)"
key V; see '` *- a) R 9 (b$' ; see '^ *301 .*     `- defunct one$'
key V c; see '\[defunct one\] <defunct>$'; key c
key e; see '164.1m'; key e e e e
key E; see '^GiB Mem'
key 1; see '^%Cpu1 '; key 1
key m; see '^GiB Mem :.*\[|'; key m m m
key h; see 'mm-top: keys'; key x; gone 'mm-top: keys'
key u; see 'Which user'; key postgres Enter; gone 'tab(1)'; see '^ *207 postgres'
key =; see 'tab(1)'
key o; key 'RES>5000' Enter; gone '^ *207'; see '^ *212 '
key o; key 'nonsense' Enter; see 'A filter is'
key =
key k; see 'processes of a capture'
key f; see '^ *1s PID  '; key Right; see '^ *2s PID  '; key q; gone 'Parent Process pid'
see '^USER *PID'; key f; see 'Parent Process pid'; key Home Left q; see '^ *PID USER'
key '~'; see 'Unknown command'
key Z; see 'Colours are fixed'; key g; see 'There is one window'
key L; key 'defunct' Enter; sleep 0.3; row 8 | grep -q 'defunct one' || fail "L: line 8 is $(row 8)"
key '&'; see 'Locate string not found'; key Home
key C; see 'scroll coordinates: y = 1/8 (tasks)'; key Down; see 'y = 2/8'; key Home C
key 0; gone '^ *301.* 0\.0 '; key 0; see '^ *301.* 0\.0 '
key o; key 'command=DEFUNCT' Enter; gone 'tab(1)'; see '^ *301'; key C-o; see "'COMMAND=DEFUNCT'"; key =
key O; key 'COMMAND=DEFUNCT' Enter; gone '^ *301'; key =; see '^ *301'
key v; see 'for the forest'
key V; see '` *- a) R 9 (b$'; key v; gone 'a) R 9 (b$'; see '^ *1 root'; key v; see 'a) R 9 (b$'; key V
key W; see 'wrote configuration'
t resize-window -x 20 -y 5; sleep 0.5; see '^  PID USER'
[ "$(t capture-pane -p | awk 'length > 20' | wc -l)" = 0 ] || fail "wider than 20 columns"
t resize-window -x 120 -y 30; see 'COMMAND'
for size in 1:1 3:2 200:60 2:40 90:3 20:5 100:24 1:30 120:30; do t resize-window -x ${size%:*} -y ${size#*:}; done; see '^ *1 root'
key q; see '^status 0'
grep -qx 'sort=PID' "$tmp/xdg/mm-tools/toprc" || { echo "toprc:"; cat "$tmp/xdg/mm-tools/toprc"; bad=1; }
rm -r "$tmp/xdg"

# a trace: steps of a second forward and back, to the end, and playing
cat > "$tmp/steps.csv" << 'END'
time_s,pid,event,addr,size,flags
0,7,mmap,0x10000000,0x10000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
0.1,7,store,0x10000000,8,
0.2,7,load,0x10000008,8,
0.9,7,store,0x10001000,8,
1.0,7,store,0x10002000,8,
1.5,8,mmap,0x10000000,0x10000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
2.5,8,store,0x10003000,8,
3.6,7,store,0x10005000,8,
END
begin "" 110 16 "$tmp/steps.csv"
see '^mm-top - steps.csv at 1 s, step 1 of 1 so far, paused'; see '^Moved: 3 accesses, 2 minor, 0 major'
see '^ *7 *0 *64 *8 *0 *0 R 100.0 *3 *2 *0 *2 *0'
key .; see 'at 2 s, step 2 of 2 so far'; see '^ *8 *0 *64 *0 *0 *0 S'
key ,; see 'at 1 s, step 1 of 2 so far'; gone '^ *8 '
key ')'; see 'at 4 s, step 4 of 4, the end'; see '^ *7 *0 *64 *16 *0 *0 R'
key .; see 'the end'; key '('; see 'step 1 of 4, paused'
key d; key 0.1 Enter; key Space; see 'step 4 of 4, the end'
key k; see 'tasks of a simulated machine'; key u; key root Enter; see 'have no users'
key h; see '^Trace'; key q q; see '^status 0'
begin "" 110 16 "--every=2ev - < $tmp/steps.csv"; see 'at row 1, step 1'; key .; see 'at row 3, step 2'
key D; see 'interval from 2 events'; key 1 Enter; key .; see 'at row 4, step 3'; key q; see '^status 0'

# colours, and none of them under NO_COLOR
begin "TERM=screen-256color" 80 20 "$names"; see 'defunct'
t capture-pane -p -e | grep -q "$(printf '\033')\[[0-9;]*31m" || fail "no red zombie"
key q; see '^status 0'
begin "NO_COLOR=1 TERM=screen-256color" 80 20 "$names"; see 'defunct'
t capture-pane -p -e | grep -q "$(printf '\033')\[[0-9;]*3[0-7]m" && fail "colours under NO_COLOR"
key q; see '^status 0'

# a signal is sent after the question that names the process, and not before
sleep 60 & victim=$!
begin "" 100 20 -p $victim
see "^ *$victim "
key k; see "PID to signal/kill \[default pid = $victim\]"; key Enter
see 'signal \[15/sigterm\]'; key Enter
see "Send SIGTERM to $victim (sleep)?"; key n Enter; see 'Nothing was done'
kill -0 $victim || fail "killed without a yes"
key k; see 'PID to signal'; key Enter; see 'signal \['; key hup Enter; see 'Send SIGHUP'; key y Enter; see "Sent signal 1 to $victim"
wait $victim 2> /dev/null
key q; see '^status 0'

# who comes to the list has not used the CPU time of its life since the last sample
cp "$(command -v bash)" "$tmp/spinner" || exit 99
"$tmp/spinner" -c 'for ((i = 0; i < 300000; i++)); do :; done; echo > "$0"; sleep 60 & wait' "$tmp/spun" & victim=$!
for _ in $(seq 100); do [ -e "$tmp/spun" ] && break; sleep 0.1; done
begin "" 100 20 -d 100 -p 1
see '^ *1 '; key o; see 'add filter'; key COMMAND=spinner Enter; gone '^ *1 '; sleep 0.5
key u; see 'Which user'; key "$(id -un)" Enter; see "^ *$victim .* S *0.0 .* spinner$"
key q; see '^status 0'
kill $victim; wait $victim 2> /dev/null

# secure mode, and terminals that are none
begin "" 80 12 -s; see '^ *PID'; key k; see 'Unavailable in secure mode'; key q; see '^status 0'
begin "TERM=" 80 12 "$names"; see 'TERM is not set'; see '^status 1'
begin "TERM=dumb" 80 12 "$names"; see 'cannot move its cursor'; see '^status 1'
begin "TERM=nosuchterminal" 80 12 "$names"; see 'is not known'; see '^status 1'
begin "" 80 12 "$names < /dev/null"; see 'standard input is not a terminal'; see '^status 1'
begin "" 80 12 "$names <&-"; see 'standard input is not a terminal'; see '^status 1'
exit $bad
