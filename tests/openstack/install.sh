# Sourced by up: puts what the cloud needs on a machine that has nothing. Debian packages need root;
# everything from PyPI goes into the state directory. What is there already is left alone.

missing_packages() {
  local package
  for package in mariadb-server rabbitmq-server redis-server python3 python3-venv iproute2 openssl; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

install_debian() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  [ "$(id -u)" = 0 ] || { echo "missing Debian packages, and not root: ${missing[*]}" >&2; return 1; }
  # The packages would start a database and a broker of their own; 101 is "forbidden by policy".
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap "rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
  fi
  apt_install "${missing[@]}" || { apt-get update -q && apt_install "${missing[@]}"; }
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io \
    -o DPkg::Lock::Timeout=600 "$@" </dev/null
}

# The services run on Debian's own interpreter: the lock file is resolved for its version.
install_python() {
  local key uv=$STATE/tools/bin/uv
  key=$(cat "$SOURCE/lock.txt" "$SOURCE"/fakecloud/*.* "$SOURCE"/fakecloud/fakecloud/*.py | sha256sum | cut -c1-16)
  [ "$(cat "$VENV/.key" 2>/dev/null)" != "$key" ] || return 0
  if [ ! -x "$uv" ]; then
    /usr/bin/python3 -m venv "$STATE/tools"
    "$STATE/tools/bin/pip" install -q uv
  fi
  [ -x "$BIN/python" ] || "$uv" venv -q --python /usr/bin/python3 "$VENV"
  "$uv" pip install -q --python "$BIN/python" --compile-bytecode -r "$SOURCE/lock.txt"
  # Built from a copy: setuptools leaves a build directory beside what it builds, and the tree stays clean.
  rm -rf "$STATE/fakecloud"
  cp -r "$SOURCE/fakecloud" "$STATE/fakecloud"
  "$uv" pip install -q --python "$BIN/python" --no-deps --reinstall "$STATE/fakecloud"
  # Nova imports compute drivers from its own package only.
  cp "$SOURCE/fakecloud/nova_driver.py" "$(purelib)/nova/virt/fakecloud.py"
  echo "$key" >"$VENV/.key"
}

purelib() { "$BIN/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

# Each part runs in a shell of its own: `set -e` would be off in a function called under `||`, and the trap
# above is meant for the end of its part.
install_all() {
  local debian python
  (set -e; install_debian) >"$LOG/apt.log" 2>&1 &
  debian=$!
  # Without ensurepip there is no way to make a virtual environment: then PyPI has to wait for Debian.
  if ! /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then
    wait $debian || die "Debian packages: $(tail -n 5 "$LOG/apt.log")"
    debian=
  fi
  (set -e; install_python) >"$LOG/pip.log" 2>&1 &
  python=$!
  [ -z "$debian" ] || wait $debian || die "Debian packages: $(tail -n 5 "$LOG/apt.log")"
  wait $python || die "Python packages: $(tail -n 5 "$LOG/pip.log")"
}
