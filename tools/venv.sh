# Sourced by tools/test, tools/demo and .ci/run; makes what they need and nothing else.
#
#   glint_clean_env            forget settings of the caller's shell that would leak into a run
#   glint_venv EXTRA...        .venv in the checkout holds Glint with (at least) these extras
#   glint_debian PROGRAM=PACKAGE...
#                              the Debian packages whose program is missing, if we may install them
#
# Every one says aloud what it adds to the machine. Only .venv is written in the checkout.

GLINT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
GLINT_VENV="$GLINT_ROOT/.venv"

glint_say() {
    printf '== %s\n' "$*"
}

glint_die() {
    printf '!! %s\n' "$*" >&2
    exit 1
}

glint_clean_env() {
    local name
    # A sourced openrc or a PYTHONPATH would point the run at other clouds and other code.
    for name in "${!OS_@}"; do
        case "$name" in
            OS_TEST_*|OS_STDOUT_CAPTURE|OS_STDERR_CAPTURE|OS_LOG_CAPTURE|OS_DEBUG) ;;
            *) unset "$name" ;;
        esac
    done
    # PYTHON is the interpreter that stestr runs tests with.
    unset PYTHON PYTHONPATH PYTHONHOME
    # Everything that is started listens on loopback; a proxy has no business there.
    export no_proxy="127.0.0.1,localhost,::1${no_proxy:+,$no_proxy}"
    export NO_PROXY="$no_proxy"
}

# Prints the first Python that is new enough and whole. pyenv's shims fail for versions that are not
# switched on, so each candidate is run and not only looked up.
glint_find_python() {
    local candidate
    for candidate in "${GLINT_PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.14 \
            "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys, ssl, sqlite3, ctypes
sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

glint_may_apt() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1
}

# Installs Debian packages without starting the services that they bring: the tests start private
# instances of their own.
glint_apt() {
    local guard=/usr/sbin/policy-rc.d rc=0
    glint_say "installing Debian packages: $*"
    if [ -e "$guard" ]; then
        guard=
    else
        printf '#!/bin/sh\nexit 101\n' >"$guard"
        chmod 755 "$guard"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
        >/dev/null || rc=$?
    [ -z "$guard" ] || rm -f "$guard"
    return "$rc"
}

# Servers live outside an ordinary user's PATH on Debian.
glint_has_program() {
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 && return 0
    [ "$1" = postgres ] && compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null
}

# Returns non-zero, after saying so, when a program is missing and could not be installed.
glint_debian() {
    local pair missing=() programs=()
    for pair in "$@"; do
        if ! glint_has_program "${pair%%=*}"; then
            programs+=("${pair%%=*}")
            missing+=("${pair#*=}")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if glint_may_apt && glint_apt "${missing[@]}"; then
        return 0
    fi
    printf '!! not on this machine: %s. To install: apt-get install %s\n' \
        "${programs[*]}" "${missing[*]}" >&2
    return 1
}

# A Debian Python without ensurepip makes a virtual environment without pip.
glint_need_ensurepip() {
    local python=$1 package
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if glint_may_apt && glint_apt "$package"; then
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    fi
    glint_die "$python cannot make virtual environments. To mend it: apt-get install $package"
}

# What the environment is made from; another value means: install again.
glint_inputs() {
    (cd "$GLINT_ROOT" && cat constraints.txt requirements.txt setup.cfg setup.py pyproject.toml) \
        | sha256sum | cut -d' ' -f1
}

glint_pip() {
    local log="$GLINT_VENV/pip.log"
    if ! PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 "$GLINT_VENV/bin/python" -m pip install \
            --no-input -c "$GLINT_ROOT/constraints.txt" "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        glint_die "pip could not install $* (the whole log: $log)"
    fi
}

glint_make_venv() {
    local stamp="$GLINT_VENV/glint-stamp" start=$SECONDS inputs python extras have="" extra
    inputs=$(glint_inputs)
    # A checkout that was moved has an environment whose scripts name the old place: make it anew.
    if [ "$(sed -n 3p "$stamp" 2>/dev/null)" = "$GLINT_ROOT" ] \
            && "$GLINT_VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        have=$(sed -n 2p "$stamp")
        extras=$have
        for extra in "$@"; do
            case ",$extras," in
                *",$extra,"*) ;;
                *) extras="${extras:+$extras,}$extra" ;;
            esac
        done
        if [ "$(sed -n 1p "$stamp")" = "$inputs" ] && [ "$extras" = "$have" ]; then
            return 0
        fi
    else
        extras=$(IFS=,; echo "$*")
        python=$(glint_find_python) || glint_die "Glint needs Python 3.11 or newer, with ssl and" \
            "sqlite3. None found; set GLINT_PYTHON=/path/to/python3 if you have one elsewhere."
        glint_need_ensurepip "$python"
        glint_say "making .venv with $("$python" --version) ($python)"
        rm -rf "$GLINT_VENV"
        "$python" -m venv "$GLINT_VENV" || glint_die "$python -m venv failed"
        glint_pip --upgrade pip setuptools pbr
    fi
    glint_say "installing Glint with its extras $extras into .venv (a minute or two the first time)"
    rm -f "$stamp"
    # pbr reads the version from git. Where there is no usable git, any version will do.
    if ! git -C "$GLINT_ROOT" rev-parse HEAD >/dev/null 2>&1; then
        export PBR_VERSION=0.0.0
    fi
    glint_pip --no-build-isolation -e "$GLINT_ROOT[$extras]"
    printf '%s\n' "$inputs" "$extras" "$GLINT_ROOT" >"$stamp"
    glint_say "installed after $((SECONDS - start)) s"
}

glint_venv() {
    # Two of our commands started at once must not build one environment together.
    (
        if command -v flock >/dev/null 2>&1; then
            flock 9
        fi
        glint_make_venv "$@"
    ) 9>"$GLINT_ROOT/.venv.lock" || exit 1
}
