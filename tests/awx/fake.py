# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake of AWX: it keeps objects, runs nothing, and refuses what is in none of awx.awx's own argument specs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.awx import rules, specs
from tests.awx.kinds import KINDS, NODES, SURVEYS, TARGETS, UNIFIED

TOKEN = "a-token-of-the-fake"
#: Stands at the beginning of a link for the prefix by which the client came.
LINK = "the-prefix:/"
Body = dict[str, Any]


class Refused(Exception):
    """A request that is answered by an error."""

    def __init__(self, status: int, answer: Body) -> None:
        super().__init__(f"{status}: {answer}")
        self.status, self.answer = status, answer


def refuse(where: str, wrong: str, status: int = 400) -> None:
    """Refuse a request where there is something wrong."""
    if wrong:
        raise Refused(status, {where: [wrong]})


@dataclass
class Request:
    """One request, and how it was answered."""

    method: str
    path: str
    body: Any
    status: int = 0


@dataclass
class Controller:
    """The objects, by their ids: no two of any kind share one.

    :param playbooks: what a project has after its first sync.
    """

    playbooks: tuple[str, ...]
    objects: dict[int, Body] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    links: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    surveys: dict[int, Body] = field(default_factory=dict)
    synced: set[int] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add("organizations", {"name": "Default"})
        for name, kind in {"Machine": "ssh", "Source Control": "scm"}.items():
            self.add("credential_types", {"name": name, "kind": kind, "managed": True, "inputs": {}, "injectors": {}})

    # What a test asks of it.

    def changes(self, since: int = 0) -> list[Request]:
        """The requests that were no reads, without logins."""
        return [each for each in self.requests[since:] if each.method != "GET" and not each.path.endswith("/tokens/")]

    def named(self, endpoint: str) -> dict[str, Body]:
        """The objects of an endpoint, by name."""
        ids = [number for number, kind in self.kinds.items() if kind == endpoint]
        return {_name(self.objects[number]): self.objects[number] for number in ids}

    def linked(self, item: Body, what: str) -> list[str]:
        """The names of the objects in a list of another one."""
        return [_name(self.objects[number]) for number in self.links.get((item["id"], what), [])]

    # What a client asks of it.

    def answer(self, request: Request, query: Mapping[str, str]) -> tuple[int, Body]:
        """Status and body."""
        parts = request.path.strip("/").split("/")
        endpoint = parts[0]
        if endpoint == "tokens":
            return (201, {"id": 1, "token": TOKEN}) if request.method == "POST" else (204, {})
        if endpoint == "project_updates":
            self.synced.add(int(parts[1]))
            return 200, {"id": int(parts[1]), "status": "successful"}
        if len(parts) == 1:
            if request.method == "GET":
                return 200, self._list(endpoint, query)
            return 201, self._create(endpoint, request.body)
        item = self._item(endpoint, int(parts[1]))
        if len(parts) == 2:
            return 200, self._shown(item) if request.method == "GET" else self._change(item, request.body)
        return self._inside(item, parts[2], request)

    def add(self, endpoint: str, fields: Mapping[str, Any]) -> Body:
        """Put an object where it belongs."""
        number = len(self.objects) + 1
        self.kinds[number] = endpoint
        singular = "inventory" if endpoint == "inventories" else endpoint.removesuffix("s")
        self.objects[number] = {**KINDS[endpoint].defaults, **fields, "id": number, "type": singular}
        return self.objects[number]

    def _item(self, endpoint: str, number: int) -> Body:
        if self.kinds.get(number) != endpoint:
            raise Refused(404, {"detail": "Not found."})
        return self.objects[number]

    def _list(self, endpoint: str, query: Mapping[str, str]) -> Body:
        members = UNIFIED if endpoint == "unified_job_templates" else (endpoint,)
        if endpoint not in KINDS and endpoint != "unified_job_templates":
            raise Refused(404, {"detail": "Not found."})
        known = {"id", "type", *(name for each in members for name in specs.argument_spec(KINDS[each].module))}
        for name in query:
            refuse("detail", "" if name.removeprefix("or__") in known else f"{endpoint} has no field named '{name}'")
        there = [item for number, item in self.objects.items() if self.kinds[number] in members]
        found = [item for item in there if _matches(item, query)]
        return {"count": len(found), "next": None, "previous": None, "results": [self._shown(item) for item in found]}

    def _create(self, endpoint: str, body: Any) -> Body:
        if endpoint not in KINDS or endpoint == "workflow_approval_templates":
            raise Refused(405, {"detail": "Method not allowed."})
        self._check(endpoint, body)
        for name in KINDS[endpoint].needed:
            refuse(name, "" if body.get(name) not in (None, "") else "This field is required.")
        owner = next((name for name in ("workflow_job_template", "inventory", "organization") if name in body), "name")
        label = "identifier" if endpoint == NODES else "name"
        keys = {label, owner, *KINDS[endpoint].needed[:1]}
        there = [item for number, item in self.objects.items() if self.kinds[number] == endpoint]
        twin = any(all(item.get(key) == body.get(key) for key in keys) for item in there)
        refuse("__all__", f"{endpoint} with this {label} already exists." if twin else "")
        given = {name: value for name, value in body.items() if value is not None and name != "type"}
        item = {**KINDS[endpoint].defaults, **given}
        self._rules(endpoint, item)
        return self._shown(self.add(endpoint, item))

    def _change(self, item: Body, body: Any) -> Body:
        endpoint = self.kinds[item["id"]]
        self._check(endpoint, body)
        given = {name: value for name, value in body.items() if name != "type"}
        if endpoint == "credentials" and "inputs" in given:
            given["inputs"] = {name: item["inputs"].get(name, "") if value == rules.ENCRYPTED else value
                               for name, value in given["inputs"].items()}  # fmt: skip
        changed = {**item, **given}
        self._rules(endpoint, changed)
        item.update(changed)
        return self._shown(item)

    def _check(self, endpoint: str, body: Any) -> None:
        """Against the argument spec; and that what is referred to is there."""
        kind = KINDS[endpoint]
        approval = endpoint == "workflow_approval_templates"
        spec = specs.approval_spec() if approval else {**specs.argument_spec(kind.module), **kind.own}
        for name, wrong in specs.wrong_fields(spec, body, kind.refs, kind.texts):
            refuse(name, wrong)
        for name, target in kind.refs.items():
            if body.get(name):
                fits = UNIFIED if target == "unified_job_templates" else (target,)
                gone = self.kinds.get(body[name]) not in fits
                refuse(name, f'Invalid pk "{body[name]}" - object does not exist.' if gone else "")

    def _rules(self, endpoint: str, item: Body) -> None:
        """What the API wants beyond types."""
        if endpoint == "credential_types":
            refuse("inputs", rules.wrong_credential_type(item["kind"], item["inputs"], item["injectors"]))
        elif endpoint == "credentials":
            fields = self.objects[item["credential_type"]]["inputs"].get("fields", [])
            refuse("inputs", rules.wrong_inputs(fields, item["inputs"]))
        elif endpoint == "job_templates":
            item["organization"] = self.objects[item["project"]]["organization"]
            there = item["playbook"] in self.playbooks and item["project"] in self.synced
            refuse("playbook", "" if there else "Playbook not found for project.")
        elif endpoint == "inventory_sources" and item["source"] == "scm":
            refuse("source_project", "" if item.get("source_project") else "Project required for scm type sources.")
        elif endpoint == "schedules":
            refuse("rrule", rules.wrong_rule(item["rrule"]))
        elif endpoint == "notification_templates":
            configuration = item["notification_configuration"]
            refuse("notification_configuration", rules.wrong_notification(item["notification_type"], configuration))

    def _inside(self, item: Body, what: str, request: Request) -> tuple[int, Body]:
        """What lies below an object: its survey, its approval, or a list of others."""
        endpoint = self.kinds[item["id"]]
        if what == "survey_spec" and endpoint in SURVEYS:
            return self._survey(item, request)
        if what == "create_approval_template" and endpoint == NODES:
            self._check("workflow_approval_templates", request.body)
            made = self.add("workflow_approval_templates", request.body)
            item["unified_job_template"] = made["id"]
            return 201, self._shown(made)
        if endpoint == "workflow_approval_templates" or what not in specs.lists(KINDS[endpoint].module):
            raise Refused(404, {"detail": "Not found."})
        target = "notification_templates" if what.startswith("notification_templates_") else TARGETS.get(what, what)
        there = self.links.setdefault((item["id"], what), [])
        if request.method == "GET":
            shown = [self._shown(self.objects[each]) for each in there]
            return 200, {"count": len(there), "next": None, "previous": None, "results": shown}
        other = self._item(target, request.body["id"])
        if request.body.get("disassociate"):
            there.remove(other["id"])
            return 204, {}
        if what == "credentials":
            taken = [self.objects[each]["credential_type"] for each in there]
            twice = other["credential_type"] in taken
            refuse("error", "Cannot assign multiple credentials of a type." if twice else "")
        there.append(other["id"])
        return 204, {}

    def _survey(self, item: Body, request: Request) -> tuple[int, Body]:
        if request.method == "GET":
            return 200, self.surveys.get(item["id"], {})
        if request.method == "DELETE":
            self.surveys.pop(item["id"], None)
            return 200, {}
        wrong = rules.wrong_survey(request.body)
        if wrong:
            raise Refused(400, {"error": wrong})
        self.surveys[item["id"]] = request.body
        return 200, {}

    def _shown(self, item: Body) -> Body:
        """An object as a client gets it: with links, without secrets."""
        endpoint, number = self.kinds[item["id"]], item["id"]
        url = f"{LINK}{endpoint}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/"} if endpoint in SURVEYS else {}
        if endpoint == NODES and item.get("unified_job_template"):
            chosen = item["unified_job_template"]
            related["unified_job_template"] = f"{LINK}{self.kinds[chosen]}/{chosen}/"
        shown = {**item, "url": url, "related": related, "summary_fields": {}}
        if endpoint == "projects":
            shown["summary_fields"] = {"current_update": {"id": number}}
        if endpoint == "credentials":
            fields = self.objects[item["credential_type"]]["inputs"].get("fields", [])
            secret = {each["id"] for each in fields if each.get("secret")}
            shown["inputs"] = {name: rules.ENCRYPTED if name in secret and value else value
                               for name, value in item["inputs"].items()}  # fmt: skip
        return shown


def _matches(item: Body, query: Mapping[str, str]) -> bool:
    alternatives = {name.removeprefix("or__"): value for name, value in query.items() if name.startswith("or__")}
    exact = {name: value for name, value in query.items() if not name.startswith("or__")}
    if alternatives and not any(str(item.get(name)) == value for name, value in alternatives.items()):
        return False
    return all(str(item.get(name)) == value for name, value in exact.items())


def _name(item: Body) -> str:
    return str(item.get("identifier") or item["name"])
