# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a machine: looks for secrets everywhere that outlives the moment. Standard library only.

Standard input: JSON ``{"markers": {name: base64}, "plant": bool, "argv": bool}``. Standard output: a JSON list of
``[place, marker's name]``. Markers come by standard input, so that the hunt itself puts none into an argument list.

Places: ``file`` (any file of a real file system; a tmpfs is memory), ``argv`` (of every process, and of those that the
watch saw), ``inspect`` (what the engine tells of containers and images), ``log`` (container logs and the journal).
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time

MEMORY = {"tmpfs", "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "devtmpfs", "overlay2"}
WATCHED = "/run/hunt-argv"
STOP = "/run/hunt-stop"
PLANT = "/var/tmp/hunt-plant"
CHUNK = 1 << 22
READINGS = 50  # of one process's arguments: by then it has become the program that it was started for


def main() -> None:
    if sys.argv[1:] == ["watch"]:
        watch()
        return
    order = json.load(sys.stdin)
    markers = {name: base64.b64decode(value) for name, value in order["markers"].items()}
    planted = plant(next(iter(markers.values()))) if order["plant"] else []
    try:
        found = {(place, name) for place, text in texts() for name, marker in markers.items() if marker in text}
    finally:
        for undo in planted:
            undo()
    json.dump(sorted(found), sys.stdout)


def watch() -> None:
    """Collect every argument list that is seen until the stop file appears."""
    seen, read = set(), {}
    while not os.path.exists(STOP):
        seen.update(argument_lists(read))
        time.sleep(0.02)
    with open(WATCHED, "wb") as file:
        file.write(b"\n".join(sorted(seen)))
    os.unlink(STOP)


def argument_lists(read=None):
    """Of every process; with ``read``, kept from call to call, of those that were read fewer than READINGS times."""
    read = {} if read is None else read
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    for gone in read.keys() - set(processes):
        del read[gone]
    for process in processes:
        if read.setdefault(process, 0) < READINGS:
            read[process] += 1
            try:
                with open("/proc/%s/cmdline" % process, "rb") as file:
                    yield file.read()
            except OSError:  # the process has ended
                continue


def texts():
    for line in argument_lists():
        yield "argv", line
    if os.path.exists(WATCHED):
        with open(WATCHED, "rb") as file:
            yield "argv", file.read()
    for kind in ("container", "image"):
        ids = output("docker", kind, "ls", "-aq").split()
        if ids:
            yield "inspect", output("docker", kind, "inspect", *(item.decode() for item in set(ids)))
    for item in output("docker", "ps", "-aq").split():
        yield "log", output("docker", "logs", item.decode())
    yield "log", output("journalctl", "--no-pager", "-o", "cat")
    for path in files():
        for text in contents(path):
            yield "file", text


def files():
    memory = set()
    with open("/proc/mounts", encoding="utf-8") as file:
        for line in file:
            fields = line.split()
            if fields[2] in MEMORY:
                memory.add(fields[1])
    for folder, below, names in os.walk("/"):
        below[:] = [name for name in below if os.path.join(folder, name) not in memory]
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def contents(path):
    """A file's text in pieces that overlap, so that no marker is cut."""
    tail = b""
    try:
        with open(path, "rb") as file:
            while piece := file.read(CHUNK):
                yield tail + piece
                tail = piece[-256:]
    except OSError:  # removed while the hunt was on its way
        return


def plant(marker: bytes):
    """Put the marker into every place, to show that the hunt finds it there."""
    text = marker.decode("latin-1")
    with open(PLANT, "wb") as file:
        file.write(b"x" * (CHUNK - 3) + marker)
    sleeper = subprocess.Popen(["sh", "-c", "sleep 60; : " + text])
    image = output("docker", "image", "ls", "-q").split()[0].decode()
    created = output("docker", "create", "--env", "PLANTED=" + text, image).decode().strip()
    subprocess.run(["systemd-cat", "echo", text], check=True)
    subprocess.run(["journalctl", "--sync"], check=True)
    remove = ["docker", "rm", created]
    return [lambda: os.unlink(PLANT), sleeper.kill, lambda: subprocess.run(remove, check=True, capture_output=True)]


def output(*command: str) -> bytes:
    finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return finished.stdout


if __name__ == "__main__":
    main()
