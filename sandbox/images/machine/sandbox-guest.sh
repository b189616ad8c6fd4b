#!/bin/sh
# What Google's guest agent does on a machine, from what its metadata says: accounts with their keys, and here also the
# machine's external address, which the network translates and the machine does not know.
set -eu
cd /etc/sandbox
group=google-sudoers
getent group $group > /dev/null || groupadd --system $group
# Written beside their place and renamed, for sudo and sshd may read them at any moment. (sudo skips names with a dot.)
printf '%%%s ALL=(ALL:ALL) NOPASSWD:ALL\n' $group > /etc/sudoers.d/.new
chmod 0440 /etc/sudoers.d/.new
mv /etc/sudoers.d/.new /etc/sudoers.d/google_sudoers
if [ -e /etc/sudoers.d/90-admin ]; then # another cloud's
  userdel --remove admin 2> /dev/null
  rm -f /etc/sudoers.d/90-admin
fi

sed -n 's/^\([a-z_][a-z0-9_-]*\):.*/\1/p' ssh-keys | sort -u > users
touch users.before
for user in $(cat users); do
  id -u "$user" > /dev/null 2>&1 || useradd --create-home --shell /bin/bash "$user"
  gpasswd --add "$user" $group > /dev/null
  home=$(getent passwd "$user" | cut -d: -f6)
  install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
  sed -n "s/^$user://p" ssh-keys > "$home/.ssh/.new"
  chown "$user:" "$home/.ssh/.new"
  chmod 0600 "$home/.ssh/.new"
  mv "$home/.ssh/.new" "$home/.ssh/authorized_keys"
done
for user in $(comm -13 users users.before); do # the account stays; nobody gets in by it
  gpasswd --delete "$user" $group > /dev/null
  rm -f "$(getent passwd "$user" | cut -d: -f6)/.ssh/authorized_keys"
done
mv users users.before

nft -f translation
ip route flush table local proto 77
for address in $(cat external); do
  ip route add local "$address/32" dev lo table local proto 77
  # Whoever knew another machine by it learns of this one.
  python3 - "$address" <<'EOF'
import socket, struct, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0x0806))
mine, address, everybody = link.getsockname()[4], socket.inet_aton(sys.argv[1]), b"\xff" * 6
link.send(everybody + mine + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mine + address + bytes(6) + address)
EOF
done
