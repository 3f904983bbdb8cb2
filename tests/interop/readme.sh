#!/usr/bin/env bash
# Runs the commands that the README tells people to type, and the three lines that the demo tells them to paste.
#
#   tests/interop/readme.sh README.md
#
# The README's own command for the demo starts the demo, on a free port. Every fenced `sh` block that follows a line
# `<!-- test -->` is then run against it: each line must succeed, every HTTP answer must be a success, and
# http://127.0.0.1:8080 stands for wherever the demo is.
set -euo pipefail

readme=$1
tmp=$(mktemp -d)
demo=

main() {
    trap clean_up EXIT
    cd "$(dirname "$readme")"
    readme=$(basename "$readme")
    start_demo
    run_marked_blocks
    run_pasted_lines
}

start_demo() {
    local line="cargo run --release -- demo"
    grep -qxF "$line" "$readme" || fail "$readme does not say \`$line\`"
    ${line/ --release / --quiet --release --locked --offline } --port 0 >"$tmp/demo.out" &
    demo=$!
    for _ in $(seq 600); do
        if grep -q '^Ctrl-C' "$tmp/demo.out"; then
            base_url=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$tmp/demo.out" | head -n 1)
            echo "$line: $base_url"
            return
        fi
        kill -0 "$demo" 2>/dev/null || fail "the demo ended before it was ready"
        sleep 0.1
    done
    fail "the demo is not ready after a minute"
}

run_marked_blocks() {
    awk -v out="$tmp/block" '
        marked && /^```sh$/ { inside = 1; marked = 0; n++; next }
        inside && /^```$/ { inside = 0; next }
        inside { print > (out n ".sh") }
        NF { marked = /^<!-- test -->$/ }
    ' "$readme"
    local block
    for block in "$tmp"/block*.sh; do
        [ -e "$block" ] || continue
        run_lines "$block" "$readme"
    done
}

run_pasted_lines() {
    sed -n '/^Paste these:/,/^Ctrl-C/s/^  //p' "$tmp/demo.out" >"$tmp/pasted.sh"
    [ "$(wc -l <"$tmp/pasted.sh")" = 3 ] || fail "the demo does not say three lines to paste"
    run_lines "$tmp/pasted.sh" "the demo"
    grep -q '"data":\[{' "$tmp/out" || fail "the pasted lines show no data"
}

run_lines() {
    {
        # Without it `curl -s` is content with any answer.
        echo 'curl() { command curl --fail --noproxy "*" "$@"; }'
        sed "s#http://127\.0\.0\.1:8080#$base_url#g" "$1"
    } >"$1.run"
    (cd "$tmp" && bash -euo pipefail "$1.run" >out) || fail "these lines of $2 fail: $(cat "$1")"
    echo "ok: $(grep -c . "$1") lines of $2"
}

fail() {
    echo "readme.sh: $1" >&2
    exit 1
}

clean_up() {
    if [ -n "$demo" ]; then
        kill "$demo" 2>/dev/null || true
        wait "$demo" || true
    fi
    rm -rf "$tmp"
}

main
