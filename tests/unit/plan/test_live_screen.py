# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the live view writes around the lines of others, without a terminal and without its clock."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.praxis.cloud.plugins.plugin_utils import live_screen


class Display:
    """Ansible's, as far as it is used; keeps what is written."""

    def __init__(self):
        self.written = []

    def display(self, text, **_how):
        self.written.append(text)

    def prompt_until(self, *_asked):
        self.display("Go on?")
        return self.written[-1]


class View:
    def lines(self, _width, _height):
        return ["at work"]

    def news(self):
        return []


DRAWN = "\r\x1b[?7lat work\x1b[K\n\x1b[?7h\x1b[J"
ERASED = "\r\x1b[1A\x1b[J"


@pytest.fixture
def display(monkeypatch):
    monkeypatch.setattr(live_screen, "is_terminal", lambda: True)
    monkeypatch.setattr(live_screen, "PAUSE", 3600)
    found = Display()
    shown = live_screen.LiveScreen(found, View(), threading.RLock())
    shown.start()
    yield found
    shown.stop()


def test_the_lines_are_back_at_once_when_something_was_printed(display):
    display.display("first")
    display.display("second")
    assert display.written == ["first", DRAWN, ERASED, "second", DRAWN]


def test_nothing_is_drawn_while_somebody_is_asked(display):
    display.display("first")
    display.prompt_until("?")
    assert display.written == ["first", DRAWN, ERASED, "Go on?"]
