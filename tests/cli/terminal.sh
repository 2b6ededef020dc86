# A terminal that can be looked at: tmux. Sourced by tests that want to see the command's screens.
# Each function takes the terminal's name first. Exit 77 where there is no tmux.

terminal_needs() {
    type tmux >/dev/null 2>&1 || { echo "skipped: no tmux"; exit 77; }
}

terminal_tmux() { # NAME WORDS…
    local name=$1
    shift
    tmux -f /dev/null -S "${TERMINAL_DIR:?}/$name.tmux" "$@"
}

# Runs the command in a terminal of so many columns, whatever shell its user has (nobody: none); what it leaves behind stands until terminal_end.
terminal_begin() { # NAME COLUMNS COMMAND
    SHELL=$BASH TERM=xterm-256color terminal_tmux "$1" new-session -d -x "$2" -y "${TERMINAL_ROWS:-50}" \
        "$3; status=\$?; echo; echo \"exit \$status\" >'$TERMINAL_DIR/$1.exit'; exec sleep 1000"
    terminal_tmux "$1" set-option -g window-size manual
}

# What stands on it, without the blanks at the ends; with -e also the colours.
terminal_screen() { # NAME [OPTION…]
    local name=$1
    shift
    terminal_tmux "$name" capture-pane -p "$@" | sed 's/[[:space:]]*$//' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

# Waits until a line of it is like the pattern.
terminal_shows() { # NAME PATTERN
    local i
    for i in $(seq 400); do
        if terminal_screen "$1" | grep -E -- "$2" >/dev/null; then
            return 0
        fi
        sleep 0.05
    done
    echo "no line like $2 on the terminal $1:"
    terminal_screen "$1"
    return 1
}

terminal_over() { # NAME: waits until its command has ended
    local i
    for i in $(seq 400); do
        [ ! -s "$TERMINAL_DIR/$1.exit" ] || return 0
        sleep 0.05
    done
    echo "the command on the terminal $1 does not end:"
    terminal_screen "$1"
    return 1
}

terminal_resize() { # NAME COLUMNS
    terminal_tmux "$1" resize-window -x "$2"
}

terminal_key() { # NAME KEY
    terminal_tmux "$1" send-keys "$2"
}

# No line goes on where the one before was broken by the terminal: with and without joining it is the same.
terminal_is_unbroken() { # NAME
    local broken joined
    broken=$(terminal_screen "$1")
    joined=$(terminal_screen "$1" -J)
    [ "$broken" = "$joined" ] || { echo "broken lines on the terminal $1:"; diff <(echo "$broken") <(echo "$joined"); return 1; }
}

terminal_end() { # NAME
    terminal_tmux "$1" kill-server 2>/dev/null || true
    rm -f "$TERMINAL_DIR/$1.exit" "$TERMINAL_DIR/$1.tmux"
}
