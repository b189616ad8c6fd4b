# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster a run is about, and as whom it asks: as the package ``kubernetes`` reads it from a kubeconfig."""

from __future__ import annotations

import importlib
import os
import re
import sys
from typing import Any, Tuple, Type

import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.step_failure import short

#: The kubeconfig of whoever names none.
_HOME = "~/.kube/config"
#: In a list of hosts without a proxy: none.
_NO_HOST = "-"
#: What the package raises for a file that is missing, or has another shape.
_SHAPES = (OSError, ValueError, KeyError, TypeError, AttributeError)
#: A scheme, and a login of characters that a header can carry.
_AUTHORIZATION = re.compile(r"[A-Za-z]+ [!-~]+")
_FIX = "Set KUBECONFIG or praxis_kubeconfig to a kubeconfig file, praxis_kube_context to one of its contexts."


def configuration(kubeconfig: str, context: str) -> Any:
    """The package's configuration of a cluster.

    :raises Invalid: ``no-cluster``, ``sdk-missing``.
    """
    try:
        config = importlib.import_module("kubernetes.config")
        client = importlib.import_module("kubernetes.client.configuration")
    except ImportError as error:
        raise errors.Invalid(
            "The Python library kubernetes cannot be imported (%s)." % error,
            "Python interpreter %s" % sys.executable,
            "Install it for this interpreter: pip install kubernetes.",
            code="sdk-missing",
        ) from None
    found = client.Configuration()
    found.proxy = None  # it has the environment's, which requests knows by itself
    # A pod that Ansible runs in, such as a job's of AWX, is no reason to leave the cluster that somebody has named.
    named = kubeconfig or os.environ.get("KUBECONFIG")
    if context or os.path.exists(os.path.expanduser(_HOME)):
        named = named or _HOME
    try:
        if named or not os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_kube_config(named or _HOME, context or None, found)
        else:
            config.load_incluster_config(client_configuration=found)
    except (config.ConfigException, *_SHAPES, *_cloud_logins(), yaml.YAMLError) as error:
        what = "No cluster is known: %s." % said(error)
        raise errors.Invalid(what, kubeconfig or "KUBECONFIG", _FIX, code="no-cluster") from None
    if found.proxy:
        found.no_proxy = _NO_HOST  # commands in pods go through it as well, and not by the environment
    return found


def authorization(known: Any) -> str:
    """The value of the header Authorization; empty where the configuration has no login. The package asks for another
    token when one has run out.

    :raises Invalid: ``no-cluster``: it is none, and whoever sends it would quote it.
    """
    given = known.get_api_key_with_prefix("BearerToken", alias="authorization") or ""
    scheme, _blank, login = str(given).partition(" ")
    found = ("%s %s" % (scheme, login.strip())).strip()  # a file with a token ends with a line break
    if found and not _AUTHORIZATION.fullmatch(found):
        what = "The user's token in the kubeconfig has a blank, a line break or a character that is not ASCII in it."
        fix = "Correct the user's token, or the file that tokenFile names."
        raise errors.Invalid(what, str(known.host), fix, code="no-cluster")
    return found


def _cloud_logins() -> Tuple[Type[Exception], ...]:
    """What the logins of clouds raise that a kubeconfig may name; none without their package."""
    try:
        found: Type[Exception] = importlib.import_module("google.auth.exceptions").GoogleAuthError
    except ImportError:
        return ()
    return (found,)


def said(error: BaseException) -> str:
    """What an exception says, as the end of a sentence."""
    return short(str(error)).rstrip(".") or type(error).__name__
