#!/bin/sh
# Double-click on Linux, or run with localllm's own words: sets localllm up the first time, then runs it.
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -eq 0 ] && [ ! -t 1 ] && [ -n "$DISPLAY$WAYLAND_DISPLAY" ] && [ -z "$IN_TERMINAL" ] &&
    [ ! -e "$here/../.venv/setup.json" ]; then
    # Double-clicked for the first time: the set-up takes minutes, and shows them in a terminal.
    export IN_TERMINAL=1
    for terminal in x-terminal-emulator konsole xfce4-terminal xterm; do
        command -v "$terminal" >/dev/null 2>&1 && exec "$terminal" -e /bin/sh "$here/localllm.sh"
    done
fi
for name in python3.14 python3.13 python3.12 python3.11 python3; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c "" >/dev/null 2>&1; then
        "$name" "$here/start.py" "$@"
        code=$?
        break
    fi
done
if [ -z "${code+set}" ]; then
    echo "localllm needs Python 3.11 or newer: get it from https://www.python.org/downloads/ and start again." >&2
    code=1
fi
if [ "$code" -ne 0 ] && [ -t 0 ] && [ $# -eq 0 ]; then
    printf 'Press Return to close this window. '
    read -r _
fi
exit "$code"
