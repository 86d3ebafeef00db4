#!/bin/bash
# A network without a way out, for one command: unshare --net closed_network.sh PYTHON SERVED COMMAND...
# In it are the machine's metadata service (169.254.169.254, its log in SERVED/imds.log) and, by HTTPS, the hosts
# whose folders lie in SERVED/www. Nothing but the loopback where SERVED is "nothing". All ends with the command.
set -e
python=$1 served=$2; shift 2
here=$(dirname "$(readlink -f "$0")")
ip link set lo up
[ "$served" != nothing ] || exec "$@"
ip addr add 169.254.169.254/32 dev lo
pids=
trap 'kill $pids 2>/dev/null; wait 2>/dev/null' EXIT
"$python" "$here/imds.py" "$served/imds.log" & pids="$pids $!"
"$python" "$here/served_hosts.py" "$served" & pids="$pids $!"
for address in 169.254.169.254/80 127.0.0.1/443; do
    for _ in $(seq 200); do (: > "/dev/tcp/$address") 2>/dev/null && break; sleep 0.1; done
done
export HOSTS=$served/hosts
"$@"
