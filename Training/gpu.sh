#!/usr/bin/env bash
# The networks on a GPU machine with Python, PyTorch, NumPy and Pillow; Training/README.md says how. From the repository's root:
#
#   gpu.sh keep                      keeps the pieces that came under .gpu, where they may not all come at once
#   gpu.sh expression --seconds S    keeps them, and begins with the mood network in the background
#   gpu.sh identity --seconds S      keeps them, trains the identity network, and waits for the other
#
# What comes home is written into the folder OUT (.gpu/out where it is not set). MIEN_GPU_HOME holds everything else.
set -uo pipefail
home=${MIEN_GPU_HOME:-/tmp/mien-gpu}
out=${OUT:-$PWD/.gpu/out}
python=${PYTHON:-python3}
what=$1
shift
mkdir -p "$home/pack" "$home/out" "$out"
for piece in .gpu/[a-z]; do
    [[ -d $piece ]] || continue
    # Indices last: a piece is complete when its index is there.
    find "$piece" -type f ! -name 'faces-*.npz' -exec cp -u {} "$home/pack/" \;
    find "$piece" -type f -name 'faces-*.npz' -exec cp -u {} "$home/pack/" \;
done
export PYTHONPATH=$home PYTHONUNBUFFERED=1

# The code that runs stays what it was when it began, whatever comes later.
code() {
    mkdir -p "$home/Training"
    cp -ru Training/. "$home/Training/"
    cd "$home" || exit
}

case $what in
keep)
    ls -l "$home/pack"
    cat "$home/expression.txt" 2>/dev/null || true
    ;;
expression)
    code
    setsid nohup "$python" -m Training.expression.gpu.train --pack "$home/pack" --faces "$home/pack" --out "$home/out" "$@" \
        >"$home/expression.txt" 2>&1 </dev/null &
    pid=$!
    echo $pid >"$home/expression.pid"
    # Time enough to see it fail.
    for ((tries = 0; tries < 40; tries++)); do
        sleep 0.5
        kill -0 $pid 2>/dev/null && (($(wc -l <"$home/expression.txt") < 2)) || break
    done
    cat "$home/expression.txt"
    kill -0 $pid
    ;;
identity)
    code
    "$python" -m Training.identity.gpu.train train --pack "$home/pack" --cache "$home/cache" --out "$home/out" "$@"
    status=$?
    pid=$(cat "$home/expression.pid" 2>/dev/null)
    while [[ -n $pid ]] && kill -0 "$pid" 2>/dev/null; do sleep 1; done
    cp "$home"/out/*.pt "$home"/out/*.txt "$out/"
    [[ ! -e $home/expression.txt ]] || cp "$home/expression.txt" "$out/expression-output.txt"
    tail -n 40 "$home/expression.txt" 2>/dev/null
    exit $status
    ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
