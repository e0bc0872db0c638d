#!/usr/bin/env bash
# Run every check and say which failed: scripts/check.sh all|lint. Options for pytest are taken from $ARGS.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

readonly goal=${1:-all}
readonly bin=.venv/bin
failed=()

section() {
    local name=$1
    shift
    printf '\n== %s\n' "$name"
    if ! "$@"; then
        failed+=("$name")
        printf -- '-- %s: FAILED\n' "$name"
    fi
}

section "ruff check" "$bin/ruff" check --quiet --output-format=concise .
section "ruff format" "$bin/ruff" format --check --quiet --output-format=concise .
section "mypy" "$bin/mypy"
section "import contracts" "$bin/lint-imports" --no-cache --no-logo

if [[ $goal == all ]]; then
    if ((${#failed[@]})); then
        printf '\nFailed before the tests: %s\n' "$(IFS=,; echo "${failed[*]}")"
    fi
    printf '\n== pytest\n'
    # shellcheck disable=SC2086 # ARGS is a list of options
    "$bin/python" -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal ${ARGS:-} || failed+=("pytest")
fi

if ((${#failed[@]})); then
    printf 'FAILED: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
    exit 1
fi
