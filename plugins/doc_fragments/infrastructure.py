# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that keep all infrastructure of a fleet."""

from __future__ import annotations


class ModuleDocFragment:
    """What both clouds' modules take."""

    DOCUMENTATION = r"""
options:
  state:
    description: >-
      V(absent) removes what carries the fleet's tags, on Google Cloud its mark, in the reverse order, and nothing else.
    type: str
    choices: [present, absent]
    default: present
  fleet:
    description: The fleet's name, at most 25 lower-case letters, digits and hyphens, a letter first.
    type: str
    required: true
  plan_id:
    description: >-
      The id of a plan that was agreed to, from the C(plan) of a run in check mode. Another plan is refused before
      anything is touched. Empty for whatever is to be done.
    type: str
    default: ""
  zones:
    description: Zones, at least two. By default the region's first two.
    type: list
    elements: str
    default: []
  api_port:
    description: TCP port of the agents' HTTP API.
    type: int
    default: 8000
  p2p_port:
    description: TCP port of the agents' peer-to-peer listener.
    type: int
    default: 4001
  ssh_from:
    description: Networks that may reach SSH on the members.
    type: list
    elements: str
    default: []
  api_from:
    description: Networks that may reach the members' API directly.
    type: list
    elements: str
    default: []
  members:
    description: >-
      Members of the fleet as C(network) and C(address). Those in another network than the fleet's may reach the
      peer-to-peer port, each by its address. More rules than the cloud takes are refused before anything is touched.
    type: list
    elements: dict
    default: []
  balancer_from:
    description: Networks that may reach the load balancer.
    type: list
    elements: str
    default: []
  open_api_to_world:
    description: Must be true for the whole internet, or a large part of it, in O(api_from) or O(balancer_from).
    type: bool
    default: false
  open_p2p_to_world:
    description: Must be true for the whole internet, or a large part of it, in O(p2p_from).
    type: bool
    default: false
  hosts:
    description: How many machines. Needed with O(state=present) and the part C(machines).
    type: int
    default: 0
  root_volume_gb:
    description: Size of new machines' disk.
    type: int
    default: 20
  balancer:
    description: Whether there is to be a load balancer, where none of yours is named.
    type: bool
    default: true
  health_path:
    description: What it asks the members' API for.
    type: str
    default: /health
  health_interval:
    description: Seconds between two checks of a member.
    type: int
    default: 10
  allow_shrink:
    description: >-
      Whether machines beyond O(hosts) and a load balancer that is not wanted any more may go, and their addresses.
    type: bool
    default: false
  data:
    description: >-
      Where agents keep their data, as C(praxis_data) of a fleet. With a C(size), in GiB, every slot has a disk, which
      belongs to it whichever machine has the slot: made encrypted (of a C(snapshot), the id of one on AWS, its name
      on Google Cloud, or a mapping of slots to these, where one is named), attached, enlarged when C(size) is raised,
      and never made smaller.
    type: dict
    default: {}
  remove_data:
    description: With O(state=absent), whether the slots' disks go too. Without it they stay.
    type: bool
    default: false
"""
