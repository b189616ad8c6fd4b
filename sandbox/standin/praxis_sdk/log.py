# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in: logging. A template without placeholders, such as ``json``, makes every line that very text."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any, Dict, Optional, TextIO

LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "SUCCESS": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_DEFAULT = "<green>{time}</green> | <level>{level}</level> | standin - <level>{message}</level>"
_COLOURS = {"<green>": "\033[32m", "<level>": "\033[1m", "<cyan>": "\033[36m"}


class Log:
    """Lines on standard output, and in a file if asked for."""

    def __init__(self) -> None:
        self._level = LEVELS["INFO"]
        self._template = ""
        self._file: Optional[TextIO] = None
        self._json = False

    def set_up(self, settings: Dict[str, Any]) -> None:
        """Follow the ``logging`` section. An unknown level or an unwritable file raises, and that ends the process."""
        self._level = LEVELS[settings["level"].upper()]
        self._template = _DEFAULT if settings["format"] == "text" else settings["format"]
        self._json = settings["json_logs"]
        if settings["file_enabled"]:
            path = Path(settings["file_path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")

    def __call__(self, level: str, message: str) -> None:
        if LEVELS[level] < self._level:
            return
        if not self._template:  # before logging is set up
            print("%s %s" % (level, message), flush=True)
            return
        sys.stdout.write(self._line(level, message, colour=True) + "\n")
        sys.stdout.flush()
        if self._file:
            text = json.dumps({"level": level, "message": message}) if self._json else self._line(level, message, False)
            self._file.write(text + "\n")
            self._file.flush()

    def _line(self, level: str, message: str, colour: bool) -> str:
        fields = {"time": time.strftime("%Y-%m-%d %H:%M:%S"), "level": "%-8s" % level, "message": message}
        line = self._template
        for tag, code in _COLOURS.items():
            line = line.replace(tag, code if colour else "").replace(
                tag.replace("<", "</"), "\033[0m" if colour else ""
            )
        return re.sub(r"\{(\w+)[^{}]*\}", lambda found: fields.get(found.group(1), "standin"), line)


log = Log()
