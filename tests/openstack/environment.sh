# Sourced by up, down and run: where the cloud lives, which ports it takes, how its processes are kept.
# Starts nothing by itself. The invariant: a process is only ever signalled if its pid file names both its
# pid and its start time, so that a recycled pid is never mistaken for one of ours.

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STATE=${RUNNER_OPENSTACK_DIR:-$SOURCE/../../target/openstack}
mkdir -p "$STATE/log" "$STATE/pid" "$STATE/etc" "$STATE/data" "$STATE/lock" "$STATE/cache"
STATE=$(cd "$STATE" && pwd)
ETC=$STATE/etc LOG=$STATE/log PID=$STATE/pid DATA=$STATE/data VENV=$STATE/venv BIN=$STATE/venv/bin
PASSWORD=secret

# OpenStack's customary ports, all moved by one offset so that two clouds fit on one machine. Offsets up to
# 10000 stay below the kernel's range of client ports (from 32768), where a bind could fail at random.
PORT_OFFSET=${RUNNER_OPENSTACK_PORT_OFFSET:-0}
declare -A PORT=(
  [keystone]=5000 [glance]=9292 [neutron]=9696 [cinder]=8776 [nova]=8774 [placement]=8778
  [heat]=8004 [octavia]=9876 [designate]=9001 [mdns]=5354 [barbican]=9311 [manila]=8786
  [swift]=8080 [swift-object]=6200 [swift-container]=6201 [swift-account]=6202
  [ironic]=6385 [watcher]=9322 [zaqar]=8888 [redis]=16379 [cyborg]=6666
  [gnocchi]=8041 [aodh]=8042 [masakari]=15868 [blazar]=1234
  [magnum]=9511 [mistral]=8989 [trove]=8779 [zun]=9517
  [mariadb]=13307 [rabbitmq]=15674 [erlang]=15675 [epmd]=15676
)
for name in "${!PORT[@]}"; do PORT[$name]=$((PORT[$name] + PORT_OFFSET)); done
unset name
KEYSTONE_URL=http://127.0.0.1:${PORT[keystone]}/v3

STARTED=$EPOCHREALTIME
say() { printf '%7.1fs %s\n' "$(awk -v a="$STARTED" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')" "$*"; }
die() { say "FAILED: $*" >&2; exit 1; }

# Prints the start time (clock ticks since boot) of a live process; fails for a dead one and for a zombie,
# which `kill -0` would take for alive.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }" # the command name before it may itself hold blanks
  [ "${fields[0]}" != Z ] && echo "${fields[19]}"
}

# alive NAME: does the process that we started under this name still run?
alive() {
  local pid started
  read -r pid started 2>/dev/null <"$PID/$1.pid" || return 1
  [ "$(start_time "$pid")" = "$started" ]
}

# start NAME COMMAND...: runs it in a session of its own (no terminal signal reaches it, and its children
# can be signalled together), unless it runs already. File descriptor 9 is up's lock, which must not leak.
start() {
  local name=$1 pid
  shift
  alive "$name" && return 0
  (
    exec 9>&-
    cd "$STATE"
    exec setsid "$@" >>"$LOG/$name.log" 2>&1 </dev/null
  ) &
  pid=$!
  echo "$pid $(start_time "$pid")" >"$PID/$name.pid"
}

# signal SIGNAL NAME...: to the whole process group of each.
signal() {
  local signal=$1 name pid
  shift
  for name in "$@"; do
    alive "$name" || continue
    read -r pid _ <"$PID/$name.pid"
    kill "-$signal" -- "-$pid" 2>/dev/null || true
  done
}

# wait_dead SECONDS NAME...
wait_dead() {
  local deadline=$((SECONDS + $1)) name any
  shift
  while ((SECONDS < deadline)); do
    any=0
    for name in "$@"; do ! alive "$name" || any=1; done
    [ $any = 1 ] || return 0
    sleep 0.1
  done
  return 1
}
