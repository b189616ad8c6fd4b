# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page of a deployment looks: in light and in dark, on a screen and on paper."""

from __future__ import annotations

#: Every colour of text has a contrast of 4.5 to its ground at least, every bar and line of 3.
STYLE = """
:root { color-scheme: light dark;
  --ground: #ffffff; --band: #f1f3f5; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de; --edge: #57606a;
  --good: #0a6b2d; --bad: #b3141d; --warning: #7a4b00;
  --prepare: #6e7781; --drain: #a06a00; --activate: #1f5fbf; --observe: #2f8cab; --rejoin: #1f8a63;
  --confirm: #14532d; --roll-back: #8a3fa0; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171b; --band: #1e2329; --ink: #e6e9ed; --quiet: #a5adb8; --line: #3a424c; --edge: #8b95a1;
  --good: #6fd08c; --bad: #ff8080; --warning: #f0b45a;
  --prepare: #8f98a3; --drain: #d9a441; --activate: #6ea3f0; --observe: #6cc5e0; --rejoin: #4fb893;
  --confirm: #a8dd7a; --roll-back: #cf97e3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 24px 32px 48px; }
h1 { font-size: 22px; margin: 0 0 8px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 28px 0 8px; }
.verdict { font-size: 17px; margin: 0 0 12px; }
.verdict strong { margin-right: 8px; }
.good { color: var(--good); } .bad { color: var(--bad); } .warning { color: var(--warning); }
dl { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 0; }
dt { display: inline; color: var(--quiet); } dd { display: inline; margin: 0 0 0 6px; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: 0.87em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--quiet); padding-bottom: 4px; }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); }
.findings td { overflow-wrap: anywhere; }
td code, td strong { white-space: nowrap; }
th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
details { margin-top: 16px; } summary { cursor: pointer; font-weight: 600; }
figure { margin: 0; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 4px; padding: 0; }
.legend svg { vertical-align: -1px; margin-right: 6px; overflow: visible; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg text.quiet { fill: var(--quiet); } svg text.bad { fill: var(--bad); font-weight: 600; }
.timeline { display: block; width: 100%; min-width: 800px; }
.band { fill: var(--band); } .grid { stroke: var(--line); }
.step { fill: var(--quiet); }
.prepare { fill: var(--prepare); } .drain { fill: var(--drain); } .activate { fill: var(--activate); }
.observe { fill: var(--observe); } .rejoin { fill: var(--rejoin); } .confirm { fill: var(--confirm); }
.roll-back { fill: var(--roll-back); }
.failed { stroke: var(--bad); stroke-width: 2; }
.cross circle { fill: var(--ground); stroke: var(--bad); stroke-width: 1.5; }
.cross path { fill: none; stroke: var(--bad); stroke-width: 2; }
.stopped { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 4 3; }
.meshes { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 16px; }
.mesh { display: block; width: 100%; }
.member { fill: var(--ink); }
.live { fill: none; stroke: var(--edge); stroke-width: 1; }
.dense .live { stroke-width: 0.6; opacity: 0.35; }
.missing { fill: none; stroke: var(--bad); stroke-width: 2; stroke-dasharray: 5 4; }
.many .missing { stroke-width: 0.6; opacity: 0.5; }
@media print { main { max-width: none; padding: 0; } body { font-size: 11px; }
  .timeline { min-width: 0; } .meshes { grid-template-columns: 1fr 1fr; } h2 { break-after: avoid; }
  .wide { overflow: visible; } tr, figure { break-inside: avoid; } }
"""
