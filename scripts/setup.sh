#!/usr/bin/env bash
# Make this clone ready: system packages, virtual environment, pinned Python packages.
#
#   scripts/setup.sh run     what the program needs
#   scripts/setup.sh test    and what the tests and checks need
#
# Ready already: says nothing and takes a fraction of a second. PYTHON=... picks the interpreter for a new environment,
# SKIP_SYSTEM_CHECK=1 goes on without looking for system packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly venv=.venv
readonly goal=${1:-run}
case $goal in
run) requirements=(requirements.txt) ;;
test) requirements=(requirements.txt requirements-dev.txt) ;;
*)
    echo "usage: scripts/setup.sh run|test" >&2
    exit 2
    ;;
esac

say() { printf 'setup: %s\n' "$*"; }
die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}
system=$(uname -s)
case $system in
MINGW* | MSYS* | CYGWIN*)
    die "on Windows run: py -3 -m venv .venv && .venv\\Scripts\\pip install -r requirements.txt && .venv\\Scripts\\python visualizer.py"
    ;;
esac

# ------------------------------------------------------------------------------------------- what is there
# An interpreter that can make an environment. Newer ones come last: torch's wheels follow a new Python with a delay.
python_works() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14; do
        if python_works "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# Libraries are looked for as the program will find them, by loading them; ldconfig serves where there is no Python yet.
library_present() {
    local python
    if python=$(command -v python3 || command -v "${PYTHON:-python3}"); then
        "$python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1" >/dev/null 2>&1
    else
        PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -qF "$1"
    fi
}

# Mesa's drivers, or a vendor's own.
gl_driver_present() {
    local directory
    for directory in /usr/lib/*-linux-gnu /usr/lib64 /usr/lib /run/opengl-driver/lib; do
        if compgen -G "$directory/dri/*_dri.so" >/dev/null || compgen -G "$directory/libgallium*.so" >/dev/null; then
            return 0
        fi
    done
    library_present libGLX_nvidia.so.0 || library_present libEGL_nvidia.so.0
}

# Prints the Debian packages that are missing, one a line.
missing_packages() {
    if ! python_works "$venv/bin/python" && ! find_python >/dev/null; then
        echo python3-venv
    fi
    if [[ $system != Linux || -n ${SKIP_SYSTEM_CHECK:-} ]]; then
        return
    fi
    library_present libX11.so.6 || echo libx11-6
    library_present libXext.so.6 || echo libxext6
    library_present libGL.so.1 || echo libgl1
    # A window on X11 works without EGL. Wayland, no display at all, and the tests need it.
    if [[ $goal == test || -z ${DISPLAY:-} || $EUID -eq 0 ]]; then
        library_present libEGL.so.1 || echo libegl1
    fi
    gl_driver_present || echo libgl1-mesa-dri
    if [[ $goal == test ]]; then
        command -v Xvfb >/dev/null || echo xvfb
        command -v xauth >/dev/null || echo xauth
        command -v xdotool >/dev/null || echo xdotool
    fi
}

# ------------------------------------------------------------------------------------------ system packages
install_packages() {
    say "installing system packages: $*"
    export DEBIAN_FRONTEND=noninteractive
    local log
    log=$(mktemp)
    # Lists may be absent (a bare container) or old; an update that fails may still leave usable ones.
    if ! { { apt-get update -q || true; } && apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install: $*"
    fi
    rm -f "$log"
}

system_packages() {
    local missing=()
    read -ra missing <<<"$(missing_packages | tr '\n' ' ')"
    if ((${#missing[@]} == 0)); then
        return
    fi
    if [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
        install_packages "${missing[@]}"
        read -ra missing <<<"$(missing_packages | tr '\n' ' ')"
        if ((${#missing[@]} == 0)); then
            return
        fi
        if [[ ${missing[0]} == python3-venv ]]; then
            die "Python 3.11 or newer is needed; $(python3 --version 2>&1) is what python3 gives. Install one and run again with PYTHON=/path/to/it."
        fi
        die "still missing after installing them: ${missing[*]}"
    fi
    if [[ ${missing[*]} == python3-venv && $system != Linux ]]; then
        die "Python 3.11 or newer with venv is needed (python.org, or: brew install python). Then run again, or set PYTHON=/path/to/it."
    fi
    die "missing: ${missing[*]} (Debian, Ubuntu: sudo apt-get install --no-install-recommends ${missing[*]})"
}

# -------------------------------------------------------------------------------------------- the environment
# A stamp is named by the checksum of what it stands for: changed pins, or a new environment, ask for a new one.
stamp_for() {
    local what=$1
    shift
    printf '%s/.ready-%s-%s' "$venv" "$what" "$(cat "$@" | cksum | tr ' ' -)"
}

python_environment() {
    local stamp python arguments=() file
    stamp=$(stamp_for "$goal" "${requirements[@]}")
    if [[ -e $stamp ]] && "$venv/bin/python" -c '' 2>/dev/null; then
        return
    fi
    if ! python_works "$venv/bin/python"; then
        python=$(find_python) || die "Python 3.11 or newer with venv is needed (Debian: python3-venv)"
        say "making $venv with $("$python" --version)"
        "$python" -m venv --clear "$venv"
    fi
    for file in "${requirements[@]}"; do
        arguments+=(-r "$file")
    done
    if [[ -n ${CI:-} || ! -t 1 ]]; then
        arguments+=(--quiet)
    fi
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
    say "installing ${requirements[*]} into $venv (the first time takes minutes: torch is large)"
    "$venv/bin/python" -m pip install --no-input --disable-pip-version-check --root-user-action=ignore \
        "${arguments[@]}"
    rm -f "$venv/.ready-$goal-"*
    # What the tests need includes what the program needs.
    touch "$stamp" "$(stamp_for run requirements.txt)"
    say "ready"
}

system_packages
python_environment
