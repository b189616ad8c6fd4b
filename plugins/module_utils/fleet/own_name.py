# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of an agent of which there are many alike: it learns it at its start, and puts it into its file itself."""

from __future__ import annotations

#: Stands for the name in what all agents of a kind share. It is as plain as any name that takes its place, so YAML
#: writes both the same way.
MARK = "praxis-name-of-the-pod"

# Nothing but what every `sh` has in itself is used.
_PUT = """_praxis_file=
while :; do
  case $_praxis_rest in
    *%(mark)s*)
      _praxis_file=$_praxis_file${_praxis_rest%%%%%(mark)s*}$%(name)s
      _praxis_rest=${_praxis_rest#*%(mark)s} ;;
    *) break ;;
  esac
done
_praxis_file=$_praxis_file$_praxis_rest
"""


def put(name: str) -> str:
    """Shell: what is in ``_praxis_rest``, with the name in every mark's place, in ``_praxis_file``.

    :param name: the variable that has the name.
    """
    return _PUT % {"mark": MARK, "name": name}
