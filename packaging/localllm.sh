#!/bin/sh
# Double-click on Linux, or run with localllm's own words: sets localllm up the first time, then runs it.
here=$(cd "$(dirname "$0")" && pwd)
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
