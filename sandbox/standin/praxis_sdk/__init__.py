# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the Praxis agent. It is not the agent: it does no work.

It is made for tests and for trying things out.

It keeps the agent's deployment contract, its faults included: where settings are read, what ends the process, what the
API answers, how peers find and keep each other. It shares no code with the collection, because it is the check on it.

Environment variables that only the stand-in has:

STANDIN_FAIL        crash | no-listen | no-p2p | wrong-id | die-after:SECONDS | slow:SECONDS
STANDIN_SCHEME      ed25519 (default) or x25519: how the peer id follows from the key file
STANDIN_START_DELAY seconds before the listeners open, 1.5 unless set
STANDIN_DIAL_DELAY  seconds from the start of P2P to the bootstrap dials, 10 unless set
"""
