# For scripts that run in a Python environment: which one. PRAXIS_LEG=newest is the newest ansible-core's, on its Python.
pythons='3.11 3.12 3.13' # what ansible-core 2.19 runs on; tested with the first
case ${PRAXIS_LEG:-} in
    '') ;;
    newest) pythons=3.13 ;;
    *) echo "PRAXIS_LEG=$PRAXIS_LEG: there is only PRAXIS_LEG=newest, and the one without it" >&2; exit 2 ;;
esac
leg=${PRAXIS_LEG:+-$PRAXIS_LEG}
venv=$PWD/.venv$leg
requirements=requirements$leg.txt
constraints=constraints$leg.txt

find_python() {
    local candidate
    for candidate in python3.11 python3 /usr/bin/python3 python3.12 python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1?.*/bin/python3; do
        # shellcheck disable=SC2086  # a list of versions
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit("%d.%d" % sys.version_info[:2] not in sys.argv[1:])' \
                $pythons >/dev/null 2>&1; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}
