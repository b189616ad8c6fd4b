#!/bin/sh
# The login is made from the password at each start, so that the password is in no image layer.
set -eu
htpasswd -niB AWS < /etc/sandbox/tls/password > /run/htpasswd
docker-registry serve /etc/sandbox/private.yml &
exec docker-registry serve /etc/sandbox/public.yml
