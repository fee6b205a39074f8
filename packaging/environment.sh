# Shell functions that the scripts share: system packages by apt, and a virtual environment.

# need_packages NAME:TEST...: install the Debian packages whose TEST fails, by sudo where this is not
# root. No other package is removed for them. Where it can't be done, say what to install, and fail.
need_packages() {
    missing=
    for pair in "$@"; do
        if ! sh -c "${pair#*:}" >/dev/null 2>&1; then
            missing="$missing ${pair%%:*}"
        fi
    done
    [ -n "$missing" ] || return 0
    become=
    [ "$(id -u)" = 0 ] || become=sudo
    if ! command -v apt-get >/dev/null || ! command -v ${become:-env} >/dev/null; then
        echo "missing:$missing; as root, install what Debian has in these packages:" \
            "apt-get install$missing" >&2
        return 1
    fi
    echo "installing$missing" >&2
    # shellcheck disable=SC2086
    $become apt-get -q -q update >&2 &&
        $become env DEBIAN_FRONTEND=noninteractive \
            apt-get -q -q -y --no-install-recommends --no-remove install $missing >&2
}

# make_venv DIRECTORY REQUIREMENT: a virtual environment with this project in it, made anew when
# pyproject.toml has changed or the interpreter is gone.
make_venv() {
    stamp="$1/.made-from"
    made_from="$(python3 -V; cat pyproject.toml; echo "$2")"
    if [ -x "$1/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$made_from" ]; then
        return 0
    fi
    echo "making the environment $1" >&2
    python3 -m venv --clear "$1"
    "$1/bin/python" -m pip -q --disable-pip-version-check install -e "$2"
    printf '%s\n' "$made_from" > "$stamp"
}
