#!/bin/sh
# Double-click on a Mac: opens Terminal, sets localllm up the first time, then runs it.
exec /bin/sh "$(dirname "$0")/localllm.sh" "$@"
