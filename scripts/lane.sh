# For scripts that run tests beside each other: a command with the lane's name before every line of what it prints, and at the end
# once more what failed, which else is far above in the output of the lane that ended last.
lane() { # NAME COMMAND...
    local name=$1
    shift
    mkdir -p build
    PYTHONUNBUFFERED=1 "$@" 2>&1 | tee "build/$name.log" | sed -u "s/^/$name: /"
}

# The end of a failed lane's output: from pytest's summary on, or the last lines of one that has none.
lane_failed() { # NAME
    local summary
    summary=$(sed -n '/^=* short test summary info/,$p' "build/$1.log")
    sed "s/^/$1: /" <<<"${summary:-$(tail -n 20 "build/$1.log")}" >&2
}
