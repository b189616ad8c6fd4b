# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of images on their way into a registry."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="a-program-s-mode-is-no-content",
        breaks="A source in which a file was made executable counts as built already.",
        file="plugins/plugin_utils/image_source.py",
        before='("program" if os.access(whole, os.X_OK) else "file")',
        after='"file"',
        tests=("tests/unit/images/test_source.py",),
    ),
    Fault(
        name="a-branch-is-built-where-it-is-later",
        breaks="What is built is the branch as it is at the checkout, under the tag of the commit that was looked up.",
        file="plugins/plugin_utils/image_source.py",
        before='["-C", checkout, "checkout", "--quiet", self.commit]',
        after='["-C", checkout, "checkout", "--quiet", "HEAD"]',
        tests=("tests/unit/images/test_source.py",),
    ),
    Fault(
        name="a-login-of-git-in-an-argument",
        breaks="A token in a git URL can be read by every user of the controller, and is baked into the image.",
        file="plugins/plugin_utils/git_repository.py",
        before="return Repository(at._replace(netloc=host).geturl(), unquote(user), unquote(password))",
        after="return Repository(given)",
        tests=("tests/unit/images/test_git_login.py",),
    ),
    Fault(
        name="a-registry-s-login-in-an-argument",
        breaks="A registry's password can be read by every user of the controller while an image is copied.",
        file="plugins/plugin_utils/image_tools.py",
        before='yield from ("--%s-authfile" % side, "/proc/self/fd/%d" % file)',
        after='yield from ("--%s-authfile" % side, "/proc/self/fd/%d" % file)\n'
        '    own = logins.get(host)\n'
        '    if own and own.credentials:\n'
        '        yield "--%s-creds=%s:%s" % (side, own.credentials.username, own.credentials.password)',
        tests=("tests/unit/images/test_tools.py",),
    ),
    Fault(
        name="a-refusal-quotes-the-password",
        breaks="What skopeo says of a refused login is printed with the password.",
        file="plugins/plugin_utils/image_tools.py",
        before=" if any(password in words for password in passwords) else words\n",
        after=" if not passwords else words\n",
        tests=("tests/unit/images/test_tools.py",),
    ),
    Fault(
        name="somebody-else-s-repository-is-changed",
        breaks="A repository that was not made here gets our settings.",
        file="plugins/module_utils/cloud/aws_repository_kind.py",
        before="        return MANAGED_TAG in tags\n",
        after="        return bool(tags)\n",
        tests=("tests/unit/infrastructure/test_repository.py",),
    ),
    Fault(
        name="files-that-the-image-s-user-cannot-read",
        breaks="On a controller with a strict umask the agent cannot read its own code in the image.",
        file="plugins/plugin_utils/git_repository.py",
        before=", umask=_UMASK)",
        after=")",
        tests=("tests/unit/images/test_source.py",),
    ),
    Fault(
        name="an-old-image-is-the-one-to-deploy",
        breaks="Check mode names the image that a tag is to leave as the one to deploy.",
        file="plugins/plugin_utils/image_publication.py",
        before='            "digest": built,\n',
        after='            "digest": built or there,\n',
        tests=("tests/unit/images/test_publication.py",),
    ),
)
