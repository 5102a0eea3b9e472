# Sourced by the scripts beside it: Debian and Ubuntu packages.

# install_packages WHY NAME…
install_packages() {
    local why=$1 root=()
    shift
    has apt-get || fail "$why is missing, and this machine has no apt: install the counterpart of: $*"
    if [ "$(id -u)" != 0 ]; then
        has sudo || fail "$why is missing: as root run  apt-get install $*"
        root=(sudo)
    fi
    say "installing $why (Debian packages: $*)"
    local log=$ARTEL_CACHE/log/apt
    # The first try spares the package lists' download where they are fresh.
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1 </dev/null && return
    "${root[@]}" apt-get update -q >"$log" 2>&1 </dev/null &&
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1 </dev/null ||
        { tail -n 20 "$log" >&2; fail "$why could not be installed: the whole log is $log"; }
}
