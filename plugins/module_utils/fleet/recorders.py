# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reads a step's standard input on a machine before the step does. Pure.

Secrets reach a machine by standard input. sudo (``log_input``, ``log_stdin``, a log server or a plugin), a session
recorder as the login shell or ``script`` in a forced command take that input for themselves, may write it to a disk,
and hand over a copy, in a pipe of their own. Who only starts the next process leaves it the input that it had. So
nobody has to know how a recorder is configured: the step has the input that the connection gave, or it has not.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: Prints the shell that runs it and its ancestors, a line each: process id, standard input, name. Needs /proc alone.
PROBE = (
    'p=$$; while [ "${p:-0}" -gt 0 ]; do n=; q=; while read -r k v; do case $k in Name:) n=$v;; PPid:) q=$v; break;;'
    ' esac; done < "/proc/$p/status"; echo "praxis-stdin $p $(readlink "/proc/$p/fd/0" || echo unseen) $n"; p=$q; done'
)
#: Begins a line of the probe's.
WORD = "praxis-stdin"
#: Servers that start a login, by their names' beginnings: their own standard input is another one.
SERVERS = ("sshd", "dropbear")
#: Programs that become another user. Where no server of the above started the login, their standard input is the
#: connection's.
BECOME = ("sudo", "su", "doas", "dzdo", "pbrun")
#: What the probe says for an input that it may not see.
UNSEEN = "unseen"


class Process(NamedTuple):
    pid: int
    stdin: str
    name: str


def chain(printed: str) -> List[Process]:
    """A step's process and its ancestors, from what the probe printed; none when it was not run."""
    rows = [line.split(None, 3) for line in printed.splitlines() if line.startswith(WORD + " ")]
    return [Process(int(row[1]), row[2], row[3] if len(row) > 3 else "") for row in rows if row[1].isdigit()]


def recorded(name: str, processes: Sequence[Process], controller: Optional[int] = None) -> Optional[Finding]:
    """Why secrets must not travel to a machine; None when its steps read what the connection sends.

    :param processes: as :func:`chain` gives them, the step's own first.
    :param controller: the process that started the step, where no connection leaves this machine.
    """
    way = _way(processes, controller)
    own, entry = way[0], way[-1]
    if UNSEEN in (own.stdin, entry.stdin):
        return Finding(
            code="stdin-unseen",
            what="It is not known whether %s records its standard input."
            % entry.name,
            where=name,
            fix="Give root CAP_SYS_PTRACE on this machine, so that it can read /proc; or log in as root.",
        )
    if own.stdin == entry.stdin:
        return None
    # The innermost of those that still have what the connection sent.
    reader = next(item for item in way if item.stdin == entry.stdin)
    return Finding(
        code="stdin-recorded",
        what="%s (pid %d) reads the standard input of the deployment's steps first, as a recorder does: secrets would "
             "be written to its log." % (reader.name, reader.pid),
        where=name,
        fix=_SUDO if reader.name == "sudo" else _OTHER,
    )


_SUDO = (
    "Turn its input log off for the login user: `Defaults:USER !log_input, !log_stdin` in a file in /etc/sudoers.d "
    "that is read last, and no LOG_INPUT tag in the user's rule (`sudo -l -l` shows the rules in force)."
)
_OTHER = (
    "Set ansible_user for this host to a user whose login is not recorded: no recorder as the login shell, and none in "
    "a forced command."
)


def _way(processes: Sequence[Process], controller: Optional[int]) -> Sequence[Process]:
    """The step's own process, up to the one that the connection started. Where that is not known, up to the
    outermost that became another user."""
    for at, item in enumerate(processes):
        if at and (item.name.startswith(SERVERS) if controller is None else item.pid == controller):
            return processes[:at]
    became = [at for at, item in enumerate(processes) if item.name in BECOME]
    return processes[: became[-1] + 1] if became else processes[:1]
