#!/bin/sh
# What a cloud image does at its first boot: host keys of its own; here also the trust in the sandbox's authority.
set -eu
ssh-keygen -A
update-ca-certificates
touch /var/lib/sandbox-first-boot
