#!/bin/bash
# A storage account that takes tokens and a machine with managed identities, for one command:
#   unshare -n -m token_account.sh NODE AZURITE.js PYTHON WORK COMMAND...
# Azurite (--oauth basic, HTTPS) behind a front that refuses the account's key (127.0.0.1:10000..10002), the Azure
# Files emulator (:10003, tokens only) and the machine's token service (169.254.169.254). All end with the command.
set -e
node=$1 azurite=$2 python=$3 work=$4; shift 4
cd "$(dirname "$(readlink -f "$0")")/../.."
ip link set lo up
ip addr add 169.254.169.254/32 dev lo
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 -subj /CN=lab \
    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:TRUE 2>/dev/null
pids=
trap 'kill $pids 2>/dev/null; wait 2>/dev/null' EXIT
"$node" "$azurite" --silent --skipApiVersionCheck --disableTelemetry --inMemoryPersistence --oauth basic \
    --blobPort 20000 --queuePort 20001 --tablePort 20002 \
    --cert "$work/cert.pem" --key "$work/key.pem" > "$work/azurite.log" 2>&1 & pids="$pids $!"
"$python" -m tests.support.keyless_front "$work/cert.pem" "$work/key.pem" 10000:20000 10001:20001 10002:20002 \
    > "$work/front.log" 2>&1 & pids="$pids $!"
"$python" -m local.files --root "$work/shares" --port 10003 --tokens-only --cert "$work/cert.pem" \
    --cert-key "$work/key.pem" > "$work/files.log" 2>&1 & pids="$pids $!"
"$python" tests/support/imds.py "$work/imds.log" & pids="$pids $!"
export REQUESTS_CA_BUNDLE=$work/cert.pem SSL_CERT_FILE=$work/cert.pem
unset https_proxy http_proxy HTTPS_PROXY HTTP_PROXY ALL_PROXY all_proxy
for port in 10000 10001 10002 10003 20000 20001 20002; do
    for _ in $(seq 600); do (: > "/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
done
"$@"
