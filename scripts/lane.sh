# For scripts that run tests beside each other: pytest with the lane's name before every line of what it prints.
lane() { # NAME PYTEST-ARGUMENT...
    local name=$1
    shift
    PYTHONUNBUFFERED=1 .venv/bin/python -m pytest "$@" 2>&1 | sed -u "s/^/$name: /"
}
