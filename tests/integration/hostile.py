# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of a hardened site: all at once of what such sites set, but for what is refused by name.

Refused are sudo that records its input and sudo that wants a terminal.
"""

from __future__ import annotations

from .conftest import Cloud, Machine

NAME = "not-in-dns"
#: Printed by every shell, and before every login.
PRINTED = "This system is monitored. Unauthorised access is prohibited."
#: A place that is not there: whoever makes temporary files has to find another one.
TMPDIR = "/var/tmp/nobody-made-this"
LOCALE, ENCODING = "de_DE.ISO-8859-1", "iso-8859-1"

HARDEN = f"""
set -e
if ! test -e /usr/share/i18n/locales/de_DE; then
    apt-get -qq update > /dev/null
    apt-get -qq install -y --no-install-recommends locales > /dev/null 2>&1
fi
localedef -i de_DE -f ISO-8859-1 {LOCALE}
mountpoint -q /tmp && umount -l /tmp
mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmpfs /tmp
mount -o remount,hidepid=2 /proc

printf '%s\\n' 'LANG={LOCALE}' 'LC_ALL={LOCALE}' 'TMPDIR={TMPDIR}' > /etc/environment
printf '%s\\n' 'LANG={LOCALE}' > /etc/default/locale
printf '%s\\n' '{PRINTED}' | tee /etc/issue.net > /etc/motd
for file in /etc/profile /etc/bash.bashrc /root/.bashrc /home/USER/.bashrc; do
    printf '%s\\n%s\\n' "echo '{PRINTED}'; umask 077" "$(cat $file)" > $file
done
sed -i 's/^UMASK.*/UMASK 077/' /etc/login.defs
for file in /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive; do
    echo 'session optional pam_umask.so umask=077' >> $file
done

cat > /etc/sudoers.d/hardened <<'END'
Defaults use_pty, lecture=always, umask=0077
Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"
Defaults env_keep+="LANG LC_ALL", env_file=/etc/environment
Defaults logfile=/var/log/sudo.log
END
chmod 0440 /etc/sudoers.d/hardened
visudo -qc > /dev/null
printf '%s\\n' 'Banner /etc/issue.net' 'PrintMotd yes' 'AllowTcpForwarding no' 'MaxSessions 4' \\
    > /etc/ssh/sshd_config.d/0-hardened.conf
hostname {NAME}
echo {NAME} > /etc/hostname
sed "/127.0.1.1/d; /$(hostname)/d" /etc/hosts > /run/hosts && cat /run/hosts > /etc/hosts
systemctl restart ssh
"""

#: What an inspector asks as the login user, and sees.
SEEN = f"""
findmnt -no OPTIONS /tmp | grep -o noexec
findmnt -no OPTIONS /proc | grep -o 'hidepid=[a-z0-9]*'
umask
locale charmap
echo $TMPDIR
getent hosts {NAME} || echo unknown
sudo -n sh -c 'umask; echo $TMPDIR $LC_ALL'
"""

SEES = ["noexec", "hidepid=invisible", "0077", "ISO-8859-1", TMPDIR, "unknown", "0077", f"{TMPDIR} {LOCALE}"]


def harden(cloud: Cloud, machine: Machine, user: str) -> None:
    """Set all of it. Who logs in is this user."""
    cloud.on(machine, HARDEN.replace("USER", user), deadline=180)
