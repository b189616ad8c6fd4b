# For scripts that run tests beside each other, each lane behind the others or, the last, in the foreground.
running=() behind=() failed=()

# Pytest with the lane's name before every line of what it prints; how long each test took goes to build/durations.json.
lane() { # NAME PYTEST-ARGUMENT...
    local name=$1
    shift
    mkdir -p build
    PYTHONUNBUFFERED=1 .venv/bin/python -m pytest -p tests.durations --lane "$name" --durations 10 "$@" 2>&1 | tee "build/$name.log" | sed -u "s/^/$name: /"
}

# A job in the background ignores Ctrl-C, and so does all that it starts.
lane_behind() { # NAME PYTEST-ARGUMENT...
    lane "$@" &
    running+=($!) behind+=("$1")
}

lane_in_front() { # NAME PYTEST-ARGUMENT...
    lane "$@" || failed+=("$1")
}

# Waits for all of them, and says once more what failed, which else is far above in the output of the lane that ended last: from
# pytest's summary on, or the last lines of a lane that has none.
lanes_ended() {
    local index name summary
    for index in "${!behind[@]}"; do wait "${running[index]}" || failed+=("${behind[index]}"); done
    for name in "${failed[@]}"; do
        summary=$(sed -n '/^=* short test summary info/,$p' "build/$name.log")
        sed "s/^/$name: /" <<<"${summary:-$(tail -n 20 "build/$name.log")}" >&2
    done
    [ ${#failed[@]} = 0 ]
}
