# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan takes from members' variables as they are: each one's place in the fleet, and what its engine is like."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import SCHEMES, peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.proxies import of_fleet
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables

#: What the docker role makes true, and what a host is held against.
MIN_COMPOSE = "2.20"


def place_of_draft(draft: Draft, seed: Optional[bytes]) -> Member:
    """A member's place with the peer ids that its seed gives; without a seed, without them."""
    variables = draft.variables
    if seed is None:
        return place(variables, draft.addresses)
    other = next(scheme for scheme in SCHEMES if scheme != variables.peer_id_scheme)
    return place(variables, draft.addresses, peer_id(seed, variables.peer_id_scheme), peer_id(seed, other))


def place(
    variables: MemberVariables,
    addresses: Tuple[str, ...],
    own_peer_id: Optional[str] = None,
    other_peer_id: Optional[str] = None,
) -> Member:
    """A member's place in the fleet."""
    return Member(
        name=variables.name,
        slot=variables.slot,
        addresses=addresses,
        p2p_port=variables.p2p_port,
        api_port=variables.api_port,
        peer_id=own_peer_id,
        other_peer_id=other_peer_id,
        cloud=variables.cloud,
        network=variables.network,
        public_address=variables.public_ip,
        zone=variables.zone,
        target=variables.instance_id,
        activate=variables.activate,
    )


def engines_of(members: Sequence[MemberVariables]) -> Dict[str, Any]:
    """What each host's Docker has to be like."""
    fleet = not_proxied(members)
    found: Dict[str, Any] = {}
    for member in members:
        proxies = member.proxies(fleet)
        found[member.name] = {
            "min_compose": MIN_COMPOSE,
            "daemon": member.daemon,
            "proxies": None if proxies is None else proxies.as_engine(),
        }
    return found


def not_proxied(members: Sequence[MemberVariables]) -> List[str]:
    """What stands for the fleet's own addresses where proxies are not to be asked."""
    across = len({member.network for member in members}) > 1
    dialled = [
        address
        for member in members
        for address in (
            member.public_ip if member.address == "public" else member.private_ip,
            member.public_ip if across else "",
        )
    ]
    return of_fleet(dialled)
