#!/usr/bin/env bash
# Plimsoll on a real Kafka, from a fresh clone: builds it, starts a one-node Apache Kafka with a small workload,
# and shows the live lag table until Ctrl-C. Everything it started is gone afterwards.
#
#   deploy/demo/run.sh                                 needs Rust, a C toolchain, Java 17 and Maven
#     --bootstrap-server HOST:PORT                     watches this Kafka instead; starts none
#     --workload                                       runs the workload there too (it creates its topics)
#     --listen HOST:PORT                               the daemon's address (127.0.0.1:1876, or a free port)
#     --kafka-port PORT                                the port of the Kafka it starts (a free one)
#     --seconds N                                      ends by itself N seconds after the first table
#
# KAFKA_HOME: a Kafka distribution (a folder with libs/) to start instead of the one Maven brings.
set -euo pipefail
cd "$(dirname "$0")/../.."

kafka_version=4.1.1
target=${CARGO_TARGET_DIR:-target}
bootstrap='' workload=auto listen='' kafka_port='' seconds=''

if [ -t 1 ]; then terminal=yes mark='✓' clear=$'\r\e[K'; else terminal='' mark='ok' clear=''; fi

fail() {
  watching=''
  printf '%sdemo: %s\n' "$clear" "$1" >&2
  if [ -s "${2:-}" ]; then
    printf 'the last lines of %s:\n' "$(basename "$2")" >&2
    # Java's stack frames would push the reason out of sight.
    grep -v '^[[:space:]]*\(at \|\.\.\. \)' "$2" | tail -n "${3:-12}" | sed 's/^/  /' >&2 || true
  fi
  exit 1
}
usage() { printf '%s\n' "$1" "see the first lines of deploy/demo/run.sh" >&2; exit 2; }

while [ $# -gt 0 ]; do
  case $1 in
    --workload) workload=yes; shift; continue ;;
    --bootstrap-server | --listen | --kafka-port | --seconds) [ -n "${2:-}" ] || usage "$1 needs a value" ;;
    *) usage "unknown option: $1" ;;
  esac
  case $1 in
    --bootstrap-server) bootstrap=$2 ;;
    --listen) listen=$2 ;;
    --kafka-port) kafka_port=$2 ;;
    --seconds) seconds=$2 ;;
  esac
  shift 2
done
[[ -z $seconds || $seconds =~ ^[0-9]+$ ]] || usage "--seconds needs a whole number"
own_kafka=yes
if [ -n "$bootstrap" ]; then own_kafka=''; else workload=yes; fi
[ "$workload" = yes ] || workload=''

# --- What is started, and how all of it ends -------------------------------------------------------------------

dir=$(mktemp -d "${TMPDIR:-/tmp}/plimsoll-demo.XXXXXX")
groups=() kafka='' shopping='' table='' watching=''

# Should this script be killed without a chance to clean up, the long-lived ones end with it.
bound=()
if command -v setpriv >/dev/null && setpriv --pdeathsig KILL true 2>/dev/null; then bound=(setpriv --pdeathsig KILL); fi

# start LOG COMMAND…: in a process group of its own, so that Ctrl-C reaches this script alone and a whole family
# can be ended at once. Its process id is then in `started`.
start() {
  local log=$1
  shift
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  started=$!
  set +m
  groups+=("$started")
}
runs() { kill -0 "$1" 2>/dev/null; }

clean() {
  trap '' INT TERM HUP PIPE
  set +e
  exec 2>/dev/null # a shell's notes about the processes it ends
  [ -z "$terminal" ] || printf '%s\e[?25hstopping' "$clear"
  if [ -n "$table" ]; then kill -TERM "$table"; wait "$table"; fi
  local group patience=60
  # Kafka's data goes away with it: neither it nor the workload needs an orderly end.
  if [ -n "$kafka" ]; then kill -KILL -- "-$kafka" ${shopping:+"-$shopping"}; fi
  for group in "${groups[@]}"; do kill -TERM -- "-$group"; done
  for group in "${groups[@]}"; do
    while kill -0 -- "-$group" && [ $((patience -= 1)) -gt 0 ]; do sleep 0.1; done
    kill -KILL -- "-$group"
  done
  wait
  rm -rf "$dir"
  printf '%s' "$clear"
  [ -z "$watching" ] || next
}
next() {
  cat <<LINES

All of it is gone again. Next:
  $target/debug/plimsoll lag --bootstrap-server YOUR_KAFKA:9092 --watch     # the same table of your own Kafka
  $target/debug/plimsoll run --bootstrap-server YOUR_KAFKA:9092             # the daemon: metrics on port 1876
  $target/debug/plimsoll --help                                             # everything else
LINES
}
trap clean EXIT
# Once the table is there, Ctrl-C is the ordinary end.
trap 'if [ -n "$watching" ]; then exit 0; else exit 130; fi' INT
trap "watching=''; exit 143" TERM
trap "watching=''; exit 129" HUP
trap "watching=''; exit 141" PIPE

# --- What it needs ---------------------------------------------------------------------------------------------

listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
free_port() {
  local port
  for _ in {1..50}; do
    port=$((20000 + RANDOM % 10000))
    if ! listens 127.0.0.1 "$port"; then printf '%s\n' "$port"; return; fi
  done
  return 1
}
# in_use HOST:PORT WHO: fails when it is
in_use() { if listens "${1%:*}" "${1##*:}"; then fail "$2 cannot listen on $1: something else does already; choose another with $3"; fi; }

.ci/deps check --only-name || exit 1

if [ -n "$own_kafka" ]; then
  elsewhere="or watch a Kafka you have: make demo BOOTSTRAP_SERVER=host:port"
  java=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p;' | head -n 1) || true
  [ "${java:-0}" -ge 17 ] || fail "Java 17 or newer is missing (on Debian: apt-get install openjdk-17-jre-headless); $elsewhere"
  if [ -n "${KAFKA_HOME:-}" ]; then
    compgen -G "$KAFKA_HOME/libs/kafka_*.jar" >/dev/null ||
      fail "KAFKA_HOME=$KAFKA_HOME is no Kafka distribution: it has no libs/kafka_*.jar"
  elif [ ! -d "$target/kafka/$kafka_version" ] && ! command -v mvn >/dev/null; then
    fail "Maven is missing, which brings Kafka (on Debian: apt-get install maven); set KAFKA_HOME to a Kafka distribution, $elsewhere"
  fi
  if [ -n "$kafka_port" ]; then in_use "127.0.0.1:$kafka_port" Kafka --kafka-port; fi
  kafka_port=${kafka_port:-$(free_port)}
  bootstrap=127.0.0.1:$kafka_port
  controller_port=$(free_port)
else
  first=${bootstrap%%,*}
  [[ $first =~ ^.+:[0-9]+$ ]] || usage "--bootstrap-server needs HOST:PORT, not $bootstrap"
  listens "${first%:*}" "${first##*:}" || fail "nothing answers at $first"
fi
if [ -n "$listen" ]; then
  [[ $listen =~ ^.+:[0-9]+$ ]] || usage "--listen needs HOST:PORT, not $listen"
  in_use "$listen" "the daemon" --listen
elif listens 127.0.0.1 1876; then
  listen=127.0.0.1:$(free_port)
else
  listen=127.0.0.1:1876
fi

# --- Build, and meanwhile fetch and start Kafka ----------------------------------------------------------------

took() { printf '%s%s %-16s %4d s\n' "$clear" "$mark" "$1" "$((SECONDS - $2))"; }

# One command, so that no dependency is compiled twice, in the profile that `make check` and `make test` share.
start "$dir/build.log" cargo build --color never --bin plimsoll --example demo_workload
building=$started build_since=$SECONDS
phase=up
if [ -n "$own_kafka" ]; then
  phase=fetch fetch_since=$SECONDS
  # Kafka's jars come with a log that says nothing; this one can tell why a start fails.
  fetch_all() {
    set -e
    tests/kafka/fetch.sh "$kafka_version"
    [ -d "$target/kafka/log" ] || mvn -q -B dependency:copy -Dartifact=org.slf4j:slf4j-simple:1.7.36 \
      -DoutputDirectory="$(cd "$target/kafka" && pwd)/log" || true
  }
  fetching=''
  if [ -z "${KAFKA_HOME:-}" ]; then start "$dir/fetch.log" fetch_all; fetching=$started; fi
fi

classpath() {
  if [ -n "${KAFKA_HOME:-}" ]; then printf '%s\n' "$KAFKA_HOME/libs/*"; return; fi
  local jar path='' silence=nothing
  if compgen -G "$target/kafka/log/*.jar" >/dev/null; then silence=slf4j-nop; fi
  for jar in "$target"/kafka/log/*.jar "$target/kafka/$kafka_version"/*.jar; do
    [[ $jar == */$silence-* ]] || path+=:$jar
  done
  printf '%s\n' "${path#:}"
}

start_kafka() {
  cat >"$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$kafka_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port
controller.listener.names=CONTROLLER
log.dirs=$dir/kafka
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
  # Small and quickly up, rather than fast for hours
  local java=(java -Xmx400m -XX:+UseSerialGC -XX:TieredStopAtLevel=1
    -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$(classpath)")
  "${java[@]}" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$dir/server.properties" \
    >"$dir/kafka.log" 2>&1 </dev/null || fail "Kafka could not format its storage" "$dir/kafka.log"
  start "$dir/kafka.log" "${bound[@]}" "${java[@]}" kafka.Kafka "$dir/server.properties"
  kafka=$started
}

# Asks for the API versions. An answer begins with a zero byte, the first of its size.
kafka_answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$kafka_port"
    printf '\0\0\0\12\0\22\0\0\0\0\0\1\377\377' >&3
    IFS= read -r -d '' -t 1 -n 1 first <&3 && [ -z "$first" ]
  ) 2>/dev/null
}

ticker() {
  [ -n "$terminal" ] || return 0
  local now=()
  [ -z "$building" ] || now+=("compiling ($(grep -c Compiling "$dir/build.log" || true) crates so far)")
  case $phase in fetch) now+=("fetching Kafka") ;; start) now+=("starting Kafka") ;; esac
  local IFS=,
  printf '%s  %s %d s' "$clear" "${now[*]}" "$((SECONDS - build_since))"
}

[ -n "$terminal" ] || printf 'compiling%s\n' "${own_kafka:+, and getting Kafka ready meanwhile}"
while [ -n "$building" ] || [ "$phase" != up ]; do
  if [ -n "$building" ] && ! runs "$building"; then
    wait "$building" || fail "the code does not compile" "$dir/build.log" 25
    building=''
    took compiled "$build_since"
  fi
  case $phase in
    fetch)
      if [ -z "$fetching" ] || ! runs "$fetching"; then
        if [ -n "$fetching" ]; then
          wait "$fetching" || fail "Kafka could not be fetched through Maven" "$dir/fetch.log"
          took "Kafka fetched" "$fetch_since"
        fi
        kafka_since=$SECONDS phase=start
        start_kafka
      fi
      ;;
    start)
      runs "$kafka" || fail "Kafka did not start" "$dir/kafka.log"
      if kafka_answers; then
        phase=up
        took "Kafka started" "$kafka_since"
      elif [ $((SECONDS - kafka_since)) -gt 90 ]; then
        fail "Kafka has not answered on $bootstrap for 90 s" "$dir/kafka.log"
      fi
      ;;
  esac
  ticker
  sleep 0.2
done

# --- The workload, the daemon, the table -----------------------------------------------------------------------

plimsoll=$target/debug/plimsoll
if [ -n "$workload" ]; then
  start "$dir/workload.log" "${bound[@]}" "$target/debug/examples/demo_workload" "$bootstrap"
  shopping=$started
fi

daemon_since=$SECONDS
start "$dir/daemon.log" "${bound[@]}" env STATE_DIRECTORY="$dir/state" "$plimsoll" run --bootstrap-server "$bootstrap" --listen "$listen"
daemon=$started
ready() {
  (
    exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}"
    printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
    IFS= read -r -t 2 status <&3
    [[ $status == *" 200 "* ]]
  ) 2>/dev/null
}
alive() {
  runs "$daemon" || fail "the daemon ended" "$dir/daemon.log"
  [ -z "$shopping" ] || runs "$shopping" || fail "the workload ended" "$dir/workload.log"
  [ -z "$kafka" ] || runs "$kafka" || fail "Kafka ended" "$dir/kafka.log"
}
until ready; do
  alive
  [ $((SECONDS - daemon_since)) -le 60 ] || fail "the daemon has not measured $bootstrap for 60 s" "$dir/daemon.log"
  [ -z "$terminal" ] || printf '%s  the daemon looks at Kafka %d s' "$clear" "$((SECONDS - daemon_since))"
  sleep 0.2
done
took "daemon ready" "$daemon_since"
took "in all" 0
printf '\nThe daemon watches %s; its metrics: http://%s/metrics. Ctrl-C ends it all.\n\n' "$bootstrap" "$listen"

watching=yes
over=$((SECONDS + ${seconds:-1000000000}))
if [ -n "$terminal" ]; then
  # In this script's own process group: the table may want the terminal.
  "$plimsoll" lag --bootstrap-server "$bootstrap" --watch <&0 &
  table=$!
  while [ "$SECONDS" -lt "$over" ] && runs "$table"; do
    alive
    sleep 0.3
  done
  if ! runs "$table"; then
    code=0
    wait "$table" || code=$?
    table=''
    # It sees Ctrl-C as well as this script does: then it has ended as it should.
    [ "$code" = 0 ] || [ "$code" = 130 ] || fail "the table ended with exit code $code"
  fi
else
  while [ "$SECONDS" -lt "$over" ]; do
    alive
    "$plimsoll" lag --bootstrap-server "$bootstrap" &
    table=$!
    wait "$table" || fail "the table ended with exit code $?"
    table=''
    printf '\n'
    for _ in {1..10}; do sleep 0.3; done
  done
fi
