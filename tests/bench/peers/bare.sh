#!/usr/bin/env bash
# The floor: no framework, one SSH session a host, all at once.
#
#   bare.sh FOLDER SSH-PROGRAM
#
# FOLDER/hosts has a line a host: its name, its address, then what ssh needs. FOLDER/<name>/ has its files, FOLDER/login the registry, user and
# password, FOLDER/image the image.
set -euo pipefail
folder=$1 ssh=$2

# On the host: files that differ are replaced, and then the agent with them; then its container has to be healthy.
remote='set -eu; stage=$(mktemp -d); trap "rm -rf $stage" EXIT; tar -x -C "$stage"
mkdir -p /opt/praxis/configs /run/praxis/keys; chown 10001:10001 /run/praxis/keys; chmod 500 /run/praxis/keys
changed=
put() { cmp -s "$stage/$1" "$2" || { install -m "$3" -o "$4" "$stage/$1" "$2"; changed=1; }; }
put environment /run/praxis/environment 400 root
put node.key /run/praxis/keys/node.key 400 10001
put agent.yaml "/opt/praxis/configs/$1.yaml" 644 root
put compose.yaml /opt/praxis/compose.yaml 644 root
image=$(cat "$stage/image")
if ! docker image inspect "$image" >/dev/null 2>&1; then
    read -r server user password <"$stage/login"
    printf %s "$password" | docker login --username "$user" --password-stdin "$server" >/dev/null 2>&1
    docker pull --quiet "$image" >/dev/null
fi
state() { docker inspect --format "{{.State.Health.Status}}" praxis-agent-1 2>/dev/null; }
[ -z "$changed" ] && [ "$(state)" = healthy ] || docker compose --file /opt/praxis/compose.yaml up --detach --quiet-pull --force-recreate >/dev/null 2>&1
for _ in $(seq 600); do [ "$(state)" != healthy ] || exit 0; sleep 0.2; done
echo "$1: not healthy after 120 s" >&2; exit 1'

pids=()
while read -r name options; do
    tar -c -C "$folder/$name" . -C "$folder" login image |
        # shellcheck disable=SC2086  # the options are words
        "$ssh" $options "sudo sh -c $(printf %q "$remote") bare-script $name" &
    pids+=($!)
done <"$folder/hosts"
for pid in "${pids[@]}"; do wait "$pid"; done
