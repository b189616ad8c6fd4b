# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller that are written whole or not at all."""

from __future__ import annotations

import os
import stat


def write_whole(path: str, content: bytes) -> None:
    """Write a file beside its place, and rename it into that. Processes of one run may do it at the same time.

    A link that is there stays one, and the file keeps its mode.

    :raises OSError: it cannot be written; what was there stays.
    """
    path = os.path.realpath(path)
    staged = "%s.%d.new" % (path, os.getpid())
    with open(staged, "xb") as file:
        try:
            file.write(content)
            file.flush()
            if os.path.exists(path):
                os.fchmod(file.fileno(), stat.S_IMODE(os.stat(path).st_mode))
            os.rename(staged, path)
        except BaseException:
            os.unlink(staged)
            raise
