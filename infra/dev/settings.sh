# Sourced by the scripts beside it: versions, where things are kept, and three small words.
# Everything that is downloaded or built lives in one folder that may be deleted at any time.

ARTEL_CACHE=${ARTEL_CACHE:-$HOME/.cache/artel}
export ARTEL_CACHE
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ARTEL_CACHE/target}
export PATH=$ARTEL_CACHE/bin:$PATH

UV_VERSION=0.13.9
NODE_OLDEST=20.19
NODE_WHEEL_VERSION=24.19.0 # taken from PyPI when the machine has no Node.js, or one too old for the web app's build
JAVA_OLDEST=17             # Apache Kafka 4 brokers need it
KAFKA_VERSION=4.1.1
GARAGE_VERSION=2.5.0
PLAYWRIGHT_VERSION=1.65.1
HADOLINT_VERSION=2.15.1
COMPOSE_VERSION=5.6.1.0
SHELLCHECK_VERSION=0.11.0.1
PYTEST_VERSION=9.2.0
MSGPACK_VERSION=1.2.4
OPENAPI_VALIDATOR_VERSION=0.9.0

KAFKA_HOME=$ARTEL_CACHE/kafka-$KAFKA_VERSION
GARAGE_HOME=$ARTEL_CACHE/garage-$GARAGE_VERSION
TOOLS_HOME=$ARTEL_CACHE/tools-$HADOLINT_VERSION-$COMPOSE_VERSION-$SHELLCHECK_VERSION-$PYTEST_VERSION-$MSGPACK_VERSION-$OPENAPI_VALIDATOR_VERSION
BROWSER_HOME=$ARTEL_CACHE/browser-$PLAYWRIGHT_VERSION

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }
