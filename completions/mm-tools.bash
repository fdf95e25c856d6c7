# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of the mm commands. Options and their values are the commands' own answers: --list-options, --list-values.

_mm_tools()
{
	local cmd=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} name= given=() i
	COMPREPLY=()

	# readline splits --table=free at the equals sign
	if [[ $cur == = ]]; then
		name=$prev cur=
	elif [[ $prev == = && COMP_CWORD -gt 1 ]]; then
		name=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $prev == -* ]]; then
		name=$prev
	fi
	if [[ $name == -? ]]; then
		name=$("$cmd" --list-options 2> /dev/null | awk -F '\t' -v c="${name#-}" '$2 == c && $3 != "" { print $1; exit }')
	fi

	local arg=
	if [[ $name == --* ]]; then
		arg=$("$cmd" --list-options 2> /dev/null | awk -F '\t' -v n="$name" '$1 == n { print $3; exit }')
	fi
	if [[ -n $arg ]]; then
		# columns are those of the table that the line names
		for ((i = 1; i < COMP_CWORD; i++)); do
			case ${COMP_WORDS[i]} in
			-t) given=("--table=${COMP_WORDS[i + 1]}") ;;
			--table) given=("--table=${COMP_WORDS[i + 2]}") ;;
			esac
		done
		local head= word=$cur
		case $arg in
		LIST | *,*) [[ $cur == *,* ]] && head=${cur%,*}, word=${cur##*,} ;;
		esac
		[[ $word == +* ]] && head=$head+ word=${word#+}
		local IFS=$'\n'
		COMPREPLY=($(compgen -P "$head" -W "$("$cmd" "${given[@]}" --list-values="${name#--}" 2> /dev/null | cut -f 1)" -- "$word"))
		case $arg in
		DIR) COMPREPLY+=($(compgen -d -- "$cur")); compopt -o filenames 2> /dev/null ;;
		*FILE | SRC)
			if [[ $arg == PID:FILE ]]; then
				[[ $cur == *:* || $prev == : ]] || return 0
				cur=${cur##*:}
			fi
			COMPREPLY+=($(compgen -f -- "$cur")); compopt -o filenames 2> /dev/null ;;
		USER) COMPREPLY+=($(compgen -u -- "$cur")) ;;
		esac
		[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2> /dev/null
		return 0
	fi
	if [[ $cur == -* ]]; then
		local IFS=$'\n'
		COMPREPLY=($(compgen -W "$("$cmd" --list-options 2> /dev/null | awk -F '\t' '{ print $1 ($3 != "" ? "=" : "") }')"$'\n--help\n--usage\n--version' -- "$cur"))
		[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2> /dev/null
		return 0
	fi
	local IFS=$'\n'
	COMPREPLY=($(compgen -f -- "$cur"))
	compopt -o filenames 2> /dev/null
	return 0
}
complete -F _mm_tools mm-buddy mm-fault mm-iomem mm-reclaim mm-slab mm-top mm-vma mm-vmstat
