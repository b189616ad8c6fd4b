# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a fleet's deployments on the controller: ``praxis_record``."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import time
from typing import Any, Collection, Dict, List, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import page, record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import plain_findings
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.topology import Edge
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import bad_variable

VARIABLE = "praxis_record"
#: The newest records that a directory keeps.
KEPT = 50
#: A deployment's id begins with its date, so names sort by age.
_FILE = re.compile(r"(\d{8}T\d{6}Z-[0-9a-f]+)\.(?:json|html)")


def check(given: Any) -> List[Finding]:
    """What is wrong with the variable."""
    if given is None or isinstance(given, str):
        return []
    fix = "Set praxis_record to a directory, or to an empty string for no record."
    return [bad_variable("praxis_record is %s and not a path." % shown(given), VARIABLE, fix)]


def directory(given: Any, fleet: str) -> str:
    """Where a fleet's records are kept; empty for nowhere.

    :param given: the variable; None when it is not set. A path is relative to where ansible-playbook is started.
    """
    if given is None:
        # The specification of XDG's directories has relative ones ignored.
        home = os.environ.get("XDG_STATE_HOME") or ""
        state = home if os.path.isabs(home) else os.path.join("~", ".local", "state")
        given = os.path.join(state, "praxis", fleet)
    return os.path.abspath(os.path.expanduser(given)) if given else ""


def keep(run: RunDirectory, verdict: Mapping[str, Any], live: Collection[Edge]) -> Dict[str, Any]:
    """Write the record of a run that is at its end.

    :return: what it changes of the verdict: ``record``, the page's path, or ``findings`` when it cannot be written.
    """
    options = run.options()
    folder, deployment = str(options["record"]), run.lock.held() or options["deployment"]
    if not folder:
        return {}
    ran = record.Ran(deployment, options["began"], time.time(), run.order.before(), run.journal.entries())
    found = record.make(ran, run.table(), verdict, live)
    try:
        return {"record": _write(folder, str(deployment["run"]), found)}
    except (OSError, ValueError) as error:
        return {"findings": [*verdict["findings"], *plain_findings([_not_written(folder, error)])]}


def _write(folder: str, name: str, found: Mapping[str, Any]) -> str:
    # A directory that is there already is the user's, and so is its mode.
    os.makedirs(folder, mode=0o700, exist_ok=True)
    _stage(os.path.join(folder, name + ".json"), json.dumps(found) + "\n")
    shown_at = os.path.join(folder, name + ".html")
    _stage(shown_at, page.page(found))
    _prune(folder, name)
    return shown_at


def _stage(path: str, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    handle, staged = tempfile.mkstemp(prefix=".", suffix=".new", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(staged, path)
    except BaseException:
        os.unlink(staged)
        raise


def _prune(folder: str, own: str) -> None:
    """Remove all but the newest records; never the one just written, whatever the clock says."""
    found = [match for match in map(_FILE.fullmatch, os.listdir(folder)) if match]
    newest = sorted({match.group(1) for match in found})[-KEPT:]
    for match in found:
        if match.group(1) not in (*newest, own):
            with contextlib.suppress(OSError):  # another run prunes, too
                os.unlink(os.path.join(folder, match.group()))


def _not_written(folder: str, error: Exception) -> Finding:
    what = "The record of this deployment could not be written: %s." % (getattr(error, "strerror", None) or error)
    fix = "Let this user write to that directory, or set praxis_record: another directory, or '' for no record."
    return Finding("record-not-written", what, folder, fix, level=WARNING)
