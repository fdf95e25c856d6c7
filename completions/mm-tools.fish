# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion of the mm commands. Options and their values are the commands' own answers: --list-options, --list-values.

function __mm_tools_values --argument-names command name
    set -l words (commandline -opc)
    set -l given
    for i in (seq 2 (count $words))
        switch $words[$i]
            case -t --table
                test $i -lt (count $words); and set given --table=$words[(math $i + 1)]
            case '--table=*'
                set given $words[$i]
        end
    end
    set -l now (commandline -ct | string replace -r -- '^--[^=]*=' '')
    set -l head
    if contains $name output policy pid
        set head (string match -r '^(?:.*,)?\+?' -- $now)
    end
    for value in ($command $given --list-values=$name 2>/dev/null)
        echo "$head$value"
    end
end

for command in mm-buddy mm-fault mm-iomem mm-reclaim mm-slab mm-top mm-vma mm-vmstat
    command -sq $command; or continue
    complete -c $command -e
    for line in ($command --list-options 2>/dev/null)
        set -l field (string split \t -- $line)
        set -l spec -l (string sub -s 3 -- $field[1]) -d "$field[4]"
        test $field[2] != -; and set -a spec -s $field[2]
        switch "$field[3]"
            case ''
            case DIR
                set -a spec -x -a '(__fish_complete_directories (commandline -ct))'
            case '*FILE'
                set -a spec -r
            case USER
                set -a spec -x -a '(__fish_complete_users)'
            case SRC
                set -a spec -r -a "(__mm_tools_values $command machine)"
            case '*'
                set -a spec -x -a "(__mm_tools_values $command "(string sub -s 3 -- $field[1])")"
        end
        complete -c $command $spec
    end
    complete -c $command -l help -s '?' -d 'Give this help list'
    complete -c $command -l usage -d 'Give a short usage message'
    complete -c $command -l version -d 'Print program version'
end
