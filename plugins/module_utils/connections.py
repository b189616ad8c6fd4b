# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer-to-peer connections of a machine, as an observation of it lists them. Pure; Python 3.9, standard library."""

from __future__ import annotations

from typing import Any, Collection, List, Mapping, Set


def accepted(observation: Mapping[str, Any], p2p_port: int) -> List[str]:
    """The other ends' addresses of the sound connections that an agent has accepted; one for each connection.

    A connection whose end retransmits is not sound: the link under it may be gone.
    """
    here = str(p2p_port)
    return [
        str(item["remote"]).rpartition(":")[0].strip("[]")
        for item in observation.get("edges") or []
        if str(item["local"]).rpartition(":")[2] == here and not int(item["retransmits"])
    ]


def lacking(
    observation: Mapping[str, Any], by_peer: Mapping[str, Collection[str]], p2p_port: int
) -> Set[str]:
    """The addresses from which an agent should have accepted a connection, and has not.

    :param by_peer: by peer id, the addresses for the agent of that id. While it does not say who it is, all of them.
    """
    me = (observation.get("api") or {}).get("peer_id")
    meant = [by_peer.get(me, ())] if me else by_peer.values()
    return {address for addresses in meant for address in addresses}.difference(accepted(observation, p2p_port))
