# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One kind of agents, with everything that its objects are made of; and the pod that all of them share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.byte_size import in_bytes
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import CONTAINER_USER, SECRETS_MOUNT
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import (
    CONFIG_MOUNT,
    KEY_MOUNT,
    Release,
    digest,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.times import seconds
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import resources, start
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.secrets import SecretObject
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.settings import MEMBER, KindSettings

#: Seconds for which a pod that was in the mesh stays ready without an edge: a neighbour restarts and dials in less.
GRACE = 120
#: What Docker gives an agent beyond its start period: six checks, five seconds apart.
_AFTER_START = 30
_PERIOD = 5
#: What a pod knows of itself, by the name of the variable that start and probe read.
OF_THE_POD = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP"}
#: Seconds that the readiness probe may take. It runs on the pod's own share of the CPU: with ten, pods under full load
#: were called not ready, all at once, and the autoscaler then counted none of them.
_SLOW = 30


@dataclass(frozen=True)
class Kind:
    """A kind of agents.

    :param release: what its pods run; its name is :data:`start.POD`.
    :param secrets: where the agent's secrets are.
    :param identities: where the seeds are; None for leaves.
    :param services: the headless Services of all members, which are who it is connected to.
    :param probe: the readiness probe's files, by name.
    """

    fleet: str
    settings: KindSettings
    release: Release
    secrets: SecretObject
    identities: Optional[SecretObject]
    services: Tuple[str, ...]
    probe: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def is_member(self) -> bool:
        return self.settings.role == MEMBER

    @cached_property
    def id(self) -> str:
        """The release's id: of all for which a pod would have to be replaced. Peers and their number are no part."""
        return digest({"agent": self.release.agent_part, "pod": self._pod("-"), "probe": dict(self.probe)})[:12]

    @property
    def config_name(self) -> str:
        """The ConfigMap of this release."""
        return "%s-%s" % (self.name, self.id)

    @property
    def peers_name(self) -> str:
        """The ConfigMap of the bootstrap lists, which changes in place."""
        return "%s-peers" % self.name

    @property
    def account(self) -> str:
        """The ServiceAccount of its pods."""
        return self.settings.service_account.name or self.name

    @property
    def selector(self) -> Dict[str, str]:
        """The labels that its pods are known by; they can never change."""
        return {
            resources.APPLICATION: resources.AGENT,
            resources.INSTANCE: self.fleet,
            resources.COMPONENT: self.name,
        }

    def pod(self) -> Dict[str, Any]:
        """The template of its pods."""
        return self._pod(self.id)

    def _pod(self, release_id: str) -> Dict[str, Any]:
        settings = self.settings
        grace = settings.drain + math.ceil(seconds(self.release.limits.stop_grace))
        named = [{"name": name} for name in settings.image_pull_secrets]
        return {
            "metadata": {
                "labels": {
                    **self.selector,
                    "praxis.cloud/role": settings.role,
                    "praxis.cloud/release": release_id,
                },
            },
            "spec": {
                "serviceAccountName": self.account,
                "automountServiceAccountToken": False,
                # Else each Service of the namespace is a variable of every pod; one called praxis-… is a setting.
                "enableServiceLinks": False,
                **({"imagePullSecrets": named} if named else {}),
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": CONTAINER_USER,
                    "runAsGroup": CONTAINER_USER,
                    "fsGroup": CONTAINER_USER,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "terminationGracePeriodSeconds": grace,
                "topologySpreadConstraints": [
                    self._spread("topology.kubernetes.io/zone", settings.unsatisfiable),
                    self._spread("kubernetes.io/hostname", "ScheduleAnyway"),
                ],
                "containers": [self._container()],
                "volumes": self._volumes(release_id),
            },
        }

    def _spread(self, key: str, unsatisfiable: str) -> Dict[str, Any]:
        return {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": unsatisfiable,
            "labelSelector": {"matchLabels": self.selector},
        }

    def _container(self) -> Dict[str, Any]:
        release = self.release
        return {
            "name": "agent",
            "image": release.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", start.start(own_list=self.is_member), "sh"],
            "args": list(start.command()),
            "env": [
                *(_from_field(name, path) for name, path in OF_THE_POD.items()),
                *({"name": name, "value": _literal(value)} for name, value in sorted(release.environment.items())),
            ],
            "ports": [_port("api", release.api_port), _port("p2p", release.p2p_port)],
            "resources": self._resources(),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "startupProbe": self._startup(),
            "readinessProbe": _probe(self._ready(), period=10, timeout=_SLOW, failures=3),
            "livenessProbe": self._liveness(),
            "lifecycle": {"preStop": {"exec": {"command": _sleep(self.settings.drain)}}},
            "volumeMounts": self._mounts(),
        }

    def _resources(self) -> Dict[str, Any]:
        memory = memory_quantity(self.release.limits.memory)
        limit = {"cpu": self.settings.cpu_limit} if self.settings.cpu_limit else {}
        return {"requests": {"cpu": self.settings.cpu, "memory": memory}, "limits": {**limit, "memory": memory}}

    def _startup(self) -> Dict[str, Any]:
        lasting = math.ceil(seconds(self.release.limits.start_period)) + _AFTER_START
        return _probe(self._health(), period=_PERIOD, timeout=5, failures=math.ceil(lasting / _PERIOD))

    def _liveness(self) -> Dict[str, Any]:
        """A member is restarted when its API hangs. A leaf also when it has lost all members: nobody dials it, and it
        never dials again by itself."""
        if self.is_member:
            return _probe(self._health(), period=10, timeout=10, failures=12)
        return _probe(self._ready(), period=15, timeout=_SLOW, failures=12)

    def _health(self) -> Dict[str, Any]:
        return {"httpGet": {"path": "/health", "port": "api"}}

    def _ready(self) -> Dict[str, Any]:
        release = self.release
        command = ["python", "-E", "-s", "-S", "-B", "%s/ready.py" % start.RELEASE_MOUNT]
        command += [word for service in self.services for word in ("--service", service)]
        command += ["--api-port", str(release.api_port), "--p2p-port", str(release.p2p_port)]
        command += ["--edges", str(self.settings.min_edges), "--grace", str(GRACE), "--joined", start.JOINED]
        return {"exec": {"command": command + (["--ids", start.PEERS_MOUNT] if self.is_member else [])}}

    def _volumes(self, release_id: str) -> List[Dict[str, Any]]:
        found: List[Dict[str, Any]] = [
            {"name": "release", "configMap": {"name": "%s-%s" % (self.name, release_id), "defaultMode": 0o444}},
            {"name": "peers", "configMap": {"name": self.peers_name, "defaultMode": 0o444}},
            _memory("configs", "16Mi"),
            _memory("tmp"),
        ]
        if self.secrets.names:
            items = [{"key": self.secrets.keys.get(name, name), "path": name} for name in self.secrets.names]
            secret = {"secretName": self.secrets.name, "defaultMode": 0o400, "items": items}
            found.append({"name": "secrets", "secret": secret})
        if self.identities is None:
            return [*found, _memory("keys", "1Mi")]
        return [*found, {"name": "keys", "secret": {"secretName": self.identities.name, "defaultMode": 0o400}}]

    def _mounts(self) -> List[Dict[str, Any]]:
        found = [
            _mount("release", start.RELEASE_MOUNT, read_only=True),
            _mount("peers", start.PEERS_MOUNT, read_only=True),
            _mount("configs", CONFIG_MOUNT),
            _mount("tmp", "/tmp"),
        ]
        if self.secrets.names:
            found.append(_mount("secrets", SECRETS_MOUNT, read_only=True))
        if self.identities is None:
            return [*found, _mount("keys", KEY_MOUNT)]
        # The pod's own key and no sibling's.
        own = {**_mount("keys", "%s/node.key" % KEY_MOUNT, read_only=True), "subPathExpr": "$(POD_NAME)"}
        return [*found, own]


def memory_quantity(text: str) -> str:
    """A size as Docker writes it (``512m``) in Kubernetes' words (``512Mi``)."""
    size = in_bytes(text) or 0
    for unit, factor in (("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024)):
        if size % factor == 0:
            return "%d%s" % (size // factor, unit)
    return "%d" % size


def _literal(value: str) -> str:
    """Kubernetes takes ``$(NAME)`` in a value for another variable."""
    return value.replace("$", "$$")


def _from_field(name: str, path: str) -> Dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _port(name: str, number: int) -> Dict[str, Any]:
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def _probe(how: Mapping[str, Any], period: int, timeout: int, failures: int) -> Dict[str, Any]:
    return {**how, "periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failures}


def _sleep(seconds: int) -> Sequence[str]:
    """The agent does not drain: the Service has to have forgotten the pod before it is stopped."""
    return ["python", "-E", "-s", "-S", "-c", "import time; time.sleep(%d)" % seconds]


def _memory(name: str, size: str = "") -> Dict[str, Any]:
    return {"name": name, "emptyDir": {"medium": "Memory", **({"sizeLimit": size} if size else {})}}


def _mount(name: str, path: str, read_only: bool = False) -> Dict[str, Any]:
    return {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}
