# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the site; scripts/docs.py lays this file beside the pages."""

from __future__ import annotations

project = "praxis.cloud"
author = copyright = "Praxis Cloud contributors"
extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
html_theme = "furo"
html_title = project
html_copy_source = False
html_show_sphinx = False
pygments_style = "default"
highlight_language = "none"
# Headings are linked to as in a repository's own view of a page.
myst_heading_anchors = 4
# Pygments does not know all of Terraform's language; everything else that Sphinx warns of is an error.
suppress_warnings = ["misc.highlighting_failure"]
# What the reference refers to in Ansible's own documentation: scripts/docs.py writes this list, so no site is asked.
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", "ansible.inv")}
