#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What bash, zsh and fish offer is what the commands take. Each shell that is here is asked, for all lines at once; without any, the test is
# skipped.
. "${srcdir:-.}/tests/lib.sh"
asked=0

# wants LINE WORD: completing LINE must offer WORD; "!WORD": must not
wants() { printf '%s\t%s\n' "$1" "$2" >> "$tmp/wants"; }

# ask_SHELL: of each line of standard input "LINE<tab>MATCH" for each match
ask_bash() {
	bash --norc -c '
		source "$1/completions/mm-tools.bash"
		while IFS= read -r line; do
			read -ra COMP_WORDS <<< "${line//=/ = }"
			[[ $line == *" " || $line == *= ]] && [[ $line != *= ]] && COMP_WORDS+=("")
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			_mm_tools "${COMP_WORDS[0]}"
			printf "$line\t%s\n" "${COMPREPLY[@]}"
		done' bash "$src"
}

ask_fish() {
	fish --no-config -c "source $src/completions/mm-tools.fish
		while read -l line; for match in (complete -C \$line); echo \$line\t\$match; end; end" | cut -f 1,2
}

# zsh completes in its editor only: a pseudo-terminal into which each line and a tab are typed. Its compadd tells the matches, as <MATCH>.
cat > "$tmp/zsh" <<'Z'
zmodload zsh/zpty
zpty z TERM=dumb zsh -f -i
zpty -w z "PROMPT= RPROMPT=; unset zle_bracketed_paste; unsetopt prompt_cr prompt_sp; fpath=($1/completions \$fpath)
autoload -U compinit; compinit -u -D; autoload -U _mm-tools
compdef _mm-tools mm-buddy mm-fault mm-iomem mm-reclaim mm-slab mm-top mm-vma mm-vmstat; bindkey '^I' complete-word; LISTMAX=1000"
zpty -w z 'compadd() { local -a hits; builtin compadd -O hits "$@"; print -rl -- "<${(@)^hits}>"; builtin compadd "$@" }
print -r begin-"now"'
while zpty -r z got; do [[ $got == *begin-now* ]] && break; done
while IFS= read -r line; do
	zpty -n -w z "$line"$'\t'
	sleep 0.3
	zpty -n -w z $'\x15print -r end-"now"\n'
	print -r -- "LINE $line"
	while zpty -r z got; do print -rn -- "$got"; [[ $got == *end-now* ]] && break; done
done
Z

ask_zsh() {
	timeout 60 zsh -f "$tmp/zsh" "$src" 2> /dev/null | tr -d '\r' |
		sed -n 's/^LINE /\n/p; s/.*<\([^<>]*\)>.*/\1/p' | awk -v OFS='\t' '/^$/ { getline line; next } { print line, $0 }'
}

for sh in bash zsh fish; do
	command -v $sh > /dev/null || continue
	if [ $sh = zsh ] && ! echo 'mm-buddy --fro' | ask_zsh | grep -q .; then
		echo "zsh: no answer through a pseudo-terminal here; not asked"
		continue
	fi
	asked=$((asked + 1))
	: > "$tmp/wants"
	eq='='; [ $sh = fish ] && eq=; [ $sh = zsh ] && eq=
	wants 'mm-buddy --fro' "--from$eq"
	wants 'mm-buddy --fro' "!--table$eq"
	wants 'mm-top --for' '!--from'
	case $sh in
	fish) pre=--table= ;;
	*) pre= ;;
	esac
	wants 'mm-buddy --table=f' "${pre}frag"
	wants 'mm-buddy -t f' 'frag'
	wants 'mm-buddy -t f' '!pcp'
	wants 'mm-slab -t l' 'layout'
	wants 'mm-vma -t maps -o st' 'start'
	wants 'mm-vma -t maps -o va' '!vaddr'
	wants 'mm-fault -S vm.swapp' 'vm.swappiness='
	wants 'mm-fault -M pc' 'pc-4g'
	wants 'mm-fault --tlb sky' 'skylake'
	wants "mm-vma --pid $$" "$$"
	wants 'mm-reclaim --from strac' 'strace'
	wants 'mm-reclaim --policy sec' 'second-chance'
	pre=; [ $sh = zsh ] || pre=lru,		# zsh puts what stands before aside
	wants 'mm-reclaim --policy lru,cl' "${pre}clock"
	wants 'mm-reclaim --sweep mem' 'memory-max='
	wants 'mm-reclaim --sweep vm.swapp' 'vm.swappiness='
	wants 'mm-top --scale-task-mem ' 'g'
	wants 'mm-top --scale-task-mem ' '!e'
	wants 'mm-vmstat -S ' 'M'
	cut -f 1 "$tmp/wants" | ask_$sh > "$tmp/offered"
	while IFS=$'\t' read -r line word; do
		grep -qxF -- "$line	${word#!}" "$tmp/offered" && found=yes || found=no
		[[ $word == !* ]] && want=no || want=yes
		same "$sh: '$line': '${word#!}' offered" $want $found
	done < "$tmp/wants"
done
[ $asked -gt 0 ] || exit 77
exit $failed
