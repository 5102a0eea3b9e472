# Sourced by the scripts that start a server: one process, one pid file, one log.

# alive FILE: is the process of this pid file running? Its command line names the pid file's folder; without
# that check a file left by a crash could mean a stranger who got the same number.
alive() { [ -s "$1" ] && grep -qsF "$(dirname "$1")" "/proc/$(cat "$1")/cmdline"; }

# free_port: a port on loopback that nobody listens on.
free_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + RANDOM % 12000)) # below the range the kernel gives to outgoing connections
        listening "$port" || { echo "$port"; return; }
    done
    fail "no free port between 20000 and 32000"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# port_must_be_free PORT
port_must_be_free() {
    ! listening "$1" || fail "port $1 is taken: stop what listens on it or give another port"
}

# wait_until SECONDS PIDFILE LOG CONDITION…: until the condition holds; fails with the log's end when
# the process ends first or the time is over.
wait_until() {
    local tries=$(($1 * 20)) pid_file=$2 log=$3
    shift 3
    for _ in $(seq "$tries"); do
        if "$@"; then return; fi
        alive "$pid_file" || break
        sleep 0.05
    done
    tail -n 20 "$log" >&2
    fail "it did not become ready; its log is $log"
}

# stop_by_pid FILE [SIGNAL]: ends the process of a pid file and waits until it is gone.
stop_by_pid() {
    local pid_file=$1 signal=${2:-TERM}
    if alive "$pid_file"; then
        local pid
        pid=$(cat "$pid_file")
        kill -s "$signal" "$pid"
        for _ in $(seq 300); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
        if kill -0 "$pid" 2>/dev/null; then kill -s KILL "$pid"; fi
    fi
    rm -f "$pid_file"
}
