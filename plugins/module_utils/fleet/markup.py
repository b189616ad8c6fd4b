# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML and SVG in which text cannot become markup: :func:`tag` makes elements, and escapes whatever is none. Pure."""

from __future__ import annotations

import html
import re
from itertools import takewhile
from typing import Any, Dict, Iterable, Sequence, Union

CUT = "…"


class Markup(str):
    """Text that is markup already. Only this file makes it, and page.py out of its constants."""


Inside = Union[str, Markup]


def tag(name: str, *inside: Inside, **attributes: Any) -> Markup:
    """An element.

    :param inside: elements, and texts, which are escaped.
    :param attributes: by their names, ``_`` for ``-`` and a last ``_`` for nothing; those of None are left out.
    """
    pairs = [(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None]
    opening = "".join(' %s="%s"' % (key, escaped(_attribute(value))) for key, value in pairs)
    return Markup("<%s%s>%s</%s>" % (name, opening, joined(inside), name))


def joined(parts: Iterable[Inside]) -> Markup:
    """Elements and texts one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else escaped(part) for part in parts))


def escaped(text: str) -> Markup:
    """A text as it is to be read. What is not printable must not steer the reader, or break the file's encoding."""
    visible = "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text)
    return Markup(html.escape(visible, quote=True))


def cut(text: str, width: int) -> str:
    """A text of so many characters at most. Names differ at their ends, so it is cut in its middle."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return text[: width - 1 - end] + CUT + text[len(text) - end :]


def labels(names: Sequence[str], width: int) -> Dict[str, str]:
    """Names as there is room for them. Where one is too long, what all of them share at their ends, in whole words,
    goes first: what is left tells them apart."""
    shared = max(map(len, names), default=0) > width and len(names) > 1
    begin, end = (_common(names), _common([name[::-1] for name in names])) if shared else (0, 0)
    return {
        name: cut((CUT if begin else "") + name[begin : len(name) - end] + (CUT if end else ""), width)
        for name in names
    }


def _common(names: Sequence[str]) -> int:
    """Characters of the beginning that all names have, up to the last sign between words."""
    pairs = zip(min(names), max(names))
    prefix = "".join(one for one, _other in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return len(re.sub(r"[^-._]*$", "", prefix))


def _attribute(value: Any) -> str:
    return ("%.2f" % value).rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
