#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What bash, zsh and fish offer is what the commands take. Each shell that is here is asked; without any, the test is skipped.
set -u
top=$(cd "${srcdir:-..}" && pwd)
PATH=$PWD:$PATH
export PATH
failed=0
asked=0

# offers SHELL LINE WORD: completing LINE must offer WORD; "!WORD": must not
offers() {
	got=$("ask_$1" "$2")
	word=${3#!}
	if printf '%s\n' "$got" | grep -qxF -- "$word"; then found=yes; else found=no; fi
	case $3 in !*) want=no ;; *) want=yes ;; esac
	[ "$found" = "$want" ] && return
	echo "$1: '$2': '$word' offered: $found, expected $want; offered were:" $(printf '%s\n' "$got" | head -n 8)
	failed=1
}

ask_bash() {
	bash --norc -c '
		source "$1/completions/mm-tools.bash"
		line=$2
		read -ra COMP_WORDS <<< "${line//=/ = }"
		[[ $line == *" " || $line == *= ]] && [[ $line != *= ]] && COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_mm_tools "${COMP_WORDS[0]}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$top" "$1"
}

ask_fish() {
	fish --no-config -c "source $top/completions/mm-tools.fish; complete -C '$1'" | cut -f 1
}

# zsh completes in its editor only: a pseudo-terminal into which the line and a tab are typed. Its compadd tells the matches, as <MATCH>.
cat > completions-zsh.$$ <<'Z'
zmodload zsh/zpty
zpty z TERM=dumb zsh -f -i
zpty -w z "PROMPT= RPROMPT=; unset zle_bracketed_paste; unsetopt prompt_cr prompt_sp; fpath=($1/completions \$fpath)
autoload -U compinit; compinit -u -D; autoload -U _mm-tools
compdef _mm-tools mm-buddy mm-fault mm-iomem mm-reclaim mm-slab mm-top mm-vma mm-vmstat; bindkey '^I' complete-word; LISTMAX=1000"
zpty -w z 'compadd() { local -a hits; builtin compadd -O hits "$@"; print -rl -- "<${(@)^hits}>"; builtin compadd "$@" }
print -r begin-"now"'
while zpty -r z got; do [[ $got == *begin-now* ]] && break; done
zpty -n -w z "$2"$'\t'
sleep 0.3
zpty -n -w z $'\x15print -r end-"now"\n'
while zpty -r z got; do print -rn -- "$got"; [[ $got == *end-now* ]] && break; done
Z
trap 'rm -f completions-zsh.$$' EXIT

ask_zsh() {
	timeout 20 zsh -f completions-zsh.$$ "$top" "$1" 2> /dev/null | tr -d '\r' | sed -n 's/.*<\([^<>]*\)>.*/\1/p'
}

for sh in bash zsh fish; do
	command -v $sh > /dev/null || continue
	if [ $sh = zsh ] && ! ask_zsh 'mm-buddy --fro' | grep -q .; then
		echo "zsh: no answer through a pseudo-terminal here; not asked"
		continue
	fi
	asked=$((asked + 1))
	eq='='; [ $sh = fish ] && eq=; [ $sh = zsh ] && eq=
	offers $sh 'mm-buddy --fro' "--from$eq"
	offers $sh 'mm-buddy --fro' "!--table$eq"
	offers $sh 'mm-top --for' '!--from'
	case $sh in
	fish) pre=--table= ;;
	*) pre= ;;
	esac
	offers $sh 'mm-buddy --table=f' "${pre}frag"
	offers $sh 'mm-buddy -t f' 'frag'
	offers $sh 'mm-buddy -t f' '!pcp'
	offers $sh 'mm-slab -t l' 'layout'
	offers $sh 'mm-vma -t maps -o st' 'start'
	offers $sh 'mm-vma -t maps -o va' '!vaddr'
	offers $sh 'mm-fault -S vm.swapp' 'vm.swappiness='
	offers $sh 'mm-fault -M pc' 'pc-4g'
	offers $sh 'mm-fault --tlb sky' 'skylake'
	offers $sh "mm-vma --pid $$" "$$"
	offers $sh 'mm-reclaim --from strac' 'strace'
	offers $sh 'mm-reclaim --policy sec' 'second-chance'
	pre=; [ $sh = zsh ] || pre=lru,		# zsh puts what stands before aside
	offers $sh 'mm-reclaim --policy lru,cl' "${pre}clock"
	offers $sh 'mm-reclaim --sweep mem' 'memory-max='
	offers $sh 'mm-reclaim --sweep vm.swapp' 'vm.swappiness='
	offers $sh 'mm-top --scale-task-mem ' 'g'
	offers $sh 'mm-top --scale-task-mem ' '!e'
	offers $sh 'mm-vmstat -S ' 'M'
done
[ $asked -gt 0 ] || exit 77
exit $failed
