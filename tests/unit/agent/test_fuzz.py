# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings at random, out of the vocabulary: the compiler never crashes; what it accepts, the stand-in runs; what it
refuses, it explains, and where the stand-in can tell, it was right to refuse."""

from __future__ import annotations

import datetime
import json
import math
import os
import posixpath
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.agent import document, identity, peers
from ansible_collections.praxis.cloud.plugins.module_utils.agent.compiler import Compiled, Layer, compile_settings
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import text as as_variable
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import (
    LEVELS,
    PLANNED,
    SETTINGS,
    YAML,
    Setting,
)
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from tests import tiers
from tests.unit.standin.conftest import STANDIN, Agent, wait_for

API, P2P = 8000, 4001
LAYERS = ("agent_base.yaml", "agent_staging.yaml", "praxis_agent_config_host")
PLACES = (*LAYERS, "praxis_agent_environment", "praxis_agent_secrets")
Compile = Callable[..., Compiled]


def compiled(
    layers: list[Any], environment: Mapping[Any, Any], ports: tuple[int, int] = (API, P2P), **more: Any
) -> Compiled:
    known: dict[str, Any] = {
        "member": "alpha",
        "environment": environment,
        "secret_names": ["OPENAI_API_KEY"],
        "api_port": ports[0],
        "p2p_port": ports[1],
        "deployment": "staging",
        "behind_balancer": True,
    }
    return compile_settings([Layer(name, layer) for name, layer in zip(LAYERS, layers)], **{**known, **more})


def nested(path: str, value: Any) -> dict[str, Any]:
    section, _dot, name = path.rpartition(".")
    return {section: {name: value}} if section else {name: value}


# --- values that fit a setting

WORDS = st.text(alphabet="abc XYZ09/._-é☃", min_size=1, max_size=10)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "string": WORDS,
    "url": st.sampled_from(["http://127.0.0.1:9/v1", "http://127.0.0.1:9"]),
    "number": st.floats(min_value=0, max_value=2) | st.integers(0, 2),
    "boolean": st.booleans(),
    "duration": st.integers(0, 1) | st.sampled_from(["0s", "1s", "500ms", "1ms"]),
    "strings": st.lists(WORDS, max_size=3),
    "integers": st.lists(st.integers(1, 65535), max_size=3),
    "mapping": st.dictionaries(WORDS, WORDS | st.integers(0, 9) | st.none(), max_size=3),
    "texts": st.dictionaries(WORDS, WORDS, max_size=3),
    "flag": st.booleans() | WORDS,
    "mappings": st.lists(st.dictionaries(WORDS, WORDS, max_size=2), max_size=2),
    "endpoints": st.lists(WORDS | st.dictionaries(WORDS, WORDS, max_size=1), max_size=2),
    "tree": WORDS | st.integers(0, 9) | st.lists(st.none(), max_size=2),
}
# Where a rule knows more than the type does.
RULED: dict[str, st.SearchStrategy[Any]] = {
    "agent.name": st.just("alpha"),
    "p2p.enabled": st.just(True),
    "p2p.port": st.just(P2P),
    "p2p.keystore_path": st.sampled_from(["/keys", "/keys/", "//keys"]),
    "http.port": st.just(API),
    "http.host": st.just("0.0.0.0"),
    "api.port": st.just(API),
    "api.host": st.sampled_from(["0.0.0.0", "agents.example.com", "::"]),
    "llm.api_key": st.just("aws-sm://llm#openai"),
    "llm.max_retries": st.integers(0, 1),
    "metrics.enabled": st.just(False),
    "metrics.basic_auth_password": st.just("gcp-sm://project/name"),
    "logging.level": st.sampled_from([*LEVELS, *(level.lower() for level in LEVELS)]),
    "logging.format": st.sampled_from(["text", "{time} {message}", "<level>{level: <8}</level> {message}"]),
    "logging.file_path": st.sampled_from(["/tmp/agent.log", "/tmp/deep/er/agent.log", "/tmp/a/../b.log"]),
    "environment": st.sampled_from(["staging", "qa", "prod", "Entwicklung"]),
}


def _integers(setting: Setting) -> st.SearchStrategy[int]:
    low, high = setting.minimum, setting.maximum
    bounds = (0 if low is None else int(low), 10**6 if high is None else int(high))
    return st.integers(*bounds) | st.sampled_from(bounds)


def fitting(setting: Setting) -> st.SearchStrategy[Any]:
    """Values that the vocabulary allows."""
    if setting.fields:
        some = {field.path: fitting(field) for field in setting.fields}
        needed = {name: some.pop(name) for name in [field.path for field in setting.fields if field.required]}
        one = st.fixed_dictionaries(needed, optional=some)
        found = one if setting.kind == "mapping" else st.lists(one, max_size=2)
        return found | st.none() if setting.nullable else found
    if setting.path in RULED:
        found = RULED[setting.path]
    else:
        found = _integers(setting) if setting.kind == "integer" else KINDS[setting.kind]
    return found | st.none() if setting.nullable and not setting.secret else found


# --- values that do not, and others that may


def deep(levels: int, inner: Any = None) -> Any:
    for _level in range(levels):
        inner = [inner]
    return inner


CYCLE: dict[str, Any] = {}
CYCLE["itself"] = CYCLE
NUMBERS = [0, -1, 1, 65535, 65536, 99999, 2**31, 2**63 - 1, 2**63, -(2**64), 10**400, 0o17, 1.0, 1e308, -0.0,
           math.nan, math.inf, True, False]  # fmt: skip
TEXTS = ["", " ", "yes", "no", "on", "Off", "~", "null", "0o17", "017", "1_000", "4001", " 4001 ", "4001\n", "１２",
         "²", "1e3", "nan", "30s", "30s\n", "1h", "500ms", "-1", "9" * 400 + "s", "json", "text", "{message", "{}",
         "production", "Production", "localhost", "127.0.0.1", "::", "::1", "a:b", "- a", "# a", "'", '"', "a\nb",
         "\t", "\x00", "\x07", "\x85", "\u2028", "\ufeff", "\ud800", "é", "😀", "ınfo", "ß", "WARN", "2026-02-30",
         "${VAR}", "x${VAR:-y}z", "$VAR", "{{ x }}", "{% x %}", "{#", "{{resolve:secretsmanager:a}}", "aws-sm://a#b",
         "a {{resolve:secretmanager:projects/p}}", "gcp-sm://p/n", "/keys/..", "/tmp/../x", "/tmp/", "./keys", "../x",
         "http://[", "http://..", "ftp://x", "http://x:99999", "[", "{", "[1", '["a"]', '{"a": NaN}', "x" * 5000,
         "[" * 5000]  # fmt: skip
THINGS = [None, [], {}, [None], [[]], {"a": {}}, {1: 2}, {None: None}, {("a", "b"): 1}, {"": ""}, {True: False},
          b"\x00\xff", (1, 2), {"a", "b"}, datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 1, 2),
          deep(5), deep(33), deep(400), CYCLE, [CYCLE], {"name": "a"}, [{"name": "a"}], [{"name": 1, "command": "x"}],
          {"a": "\ud800"}, {"\x00": 1}, {"a": math.nan}]  # fmt: skip
# More digits than Python prints: made when drawn, since Hypothesis prints what it draws from.
HUGE = st.builds(pow, st.just(10), st.just(5000))
TEXT = st.sampled_from(TEXTS) | st.text(max_size=8)
ODD = st.sampled_from([*NUMBERS, *THINGS]) | TEXT | st.floats() | st.integers() | HUGE | st.lists(HUGE, max_size=1)


ODD_NAMES = ["PRAXIS_P2P", "PRAXIS_AGENT", "praxis_dagger__timeout", "PRAXIS_A2A__CARD", "A B", "", 7, "A\n"]


@st.composite
def misspelt(draw: st.DrawFn) -> str:
    """A path with a letter dropped, doubled, swapped or raised, or no path at all."""
    path = draw(st.sampled_from(SETTINGS)).path
    at = draw(st.integers(0, len(path) - 1))
    change = draw(st.sampled_from(["drop", "double", "swap", "raise", "dots", "other"]))
    return {
        "drop": path[:at] + path[at + 1 :],
        "double": path[:at] + path[at] + path[at:],
        "swap": path[:at] + path[at + 1 : at + 2] + path[at] + path[at + 2 :],
        "raise": path[:at] + path[at:].upper(),
        "dots": path + ".x",
        "other": draw(st.text(max_size=6)),
    }[change]


@st.composite
def layer(draw: st.DrawFn, oddities: int) -> dict[Any, Any]:
    """One layer: settings that fit, and up to ``oddities`` that may not."""
    found: dict[Any, Any] = {}
    usable = [setting for setting in SETTINGS if setting.effect != PLANNED]
    for setting in draw(st.lists(st.sampled_from(usable), max_size=5, unique_by=lambda setting: setting.path)):
        section, _dot, name = setting.path.rpartition(".")
        (found.setdefault(section, {}) if section else found)[name] = draw(fitting(setting))
    for _number in range(draw(st.integers(0, oddities))):
        path = draw(st.sampled_from(SETTINGS).map(lambda setting: setting.path) | misspelt())
        section, _dot, name = path.rpartition(".")
        where = found.setdefault(section, {}) if section else found
        if draw(st.booleans()) and isinstance(where, dict):
            where[name] = draw(ODD)
        else:
            found[section or name] = draw(ODD)
    return found


@st.composite
def variables(draw: st.DrawFn, oddities: int) -> dict[Any, Any]:
    """The user's plain variables."""
    names = st.sampled_from(["TZ", "AGENT_VERSION", "HTTP_PORT", "PRAXIS_SHARED_PATH"])
    found: dict[Any, Any] = dict.fromkeys(draw(st.lists(names, max_size=2)), "/tmp/x")
    usable = [setting for setting in SETTINGS if setting.effect != PLANNED and not setting.secret]
    for setting in draw(st.lists(st.sampled_from(usable), max_size=2)):
        value = draw(fitting(setting).filter(lambda value: value is not None))
        found[setting.variable or setting.spelt_variable] = draw(st.sampled_from([value, as_variable(value)]))
    for _number in range(draw(st.integers(0, oddities))):
        spelt = st.sampled_from(SETTINGS).map(lambda setting: setting.spelt_variable)
        odd = misspelt().map(lambda path: "PRAXIS_" + path.upper().replace(".", "__"))
        found[draw(spelt | odd | st.sampled_from(ODD_NAMES))] = draw(ODD)
    return found


# --- the stand-in, in this process


@pytest.fixture(scope="module")
def standin() -> Iterator[Any]:
    """The stand-in's modules, as its own command loads them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STANDIN))
        from praxis_sdk import config, log, main

        yield config, log, main
    for name in [name for name in sys.modules if name.split(".")[0] == "praxis_sdk"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty directory to be in: no .env, and files of the examples stay here."""
    here = tmp_path_factory.mktemp("fuzz")
    before = Path.cwd()
    os.chdir(here)
    yield here
    os.chdir(before)


def start(standin: Any, place: Path, found: Compiled) -> tuple[dict[str, Any], dict[str, Any]]:
    """Everything that the stand-in does with its configuration before it listens; raises what would end it."""
    config, log, main = standin
    secrets = dict.fromkeys({"OPENAI_API_KEY", *found.secrets}, "planted-secret")
    environment = {**found.environment, **{name: secrets[name] for name in secrets if name in found.secrets}}
    (place / "alpha.yaml").write_text(peers.with_peers(document.dump(found.document), []), encoding="utf-8")
    agent = config.load("alpha.yaml", environment)
    server = config.load(None, environment)
    if agent["logging"]["file_enabled"]:
        path = posixpath.normpath(agent["logging"]["file_path"])
        assert path.startswith("/tmp/"), "the container may write nowhere else"
        agent["logging"]["file_path"] = str(place / path[len("/tmp/") :])
    logger = log.Log()
    logger.set_up(agent["logging"])
    # Without strict a format that says nothing is a warning; with it, nothing is accepted that has one.
    reported = {"logging-format-json", "logging-format-constant"} & {finding.code for finding in found.findings}
    assert reported or "planted line" in logger._line("INFO", "planted line", colour=False)
    if logger._file:
        logger._file.close()
    main._seconds(agent["llm"]["timeout"])
    return agent, server


def explained(finding: Finding) -> None:
    """Whether a finding says what is wrong, where, and what to do."""
    assert finding.level in (ERROR, WARNING)
    assert finding.code == finding.code.lower().strip("-") and " " not in finding.code
    assert finding.what.strip().endswith(".") and len(finding.what) > 10, finding
    assert all(place in PLACES for place in finding.where.split(", ")), finding
    assert finding.fix.strip().endswith((".", "?")), finding
    of_a_layer = finding.code in ("wrong-type", "nested-too-deep") and finding.where in LAYERS
    assert finding.path or of_a_layer or finding.where not in LAYERS, finding
    assert len(str(finding)) < 6000


# --- the properties

SECRETS = st.sampled_from([*(setting.spelt_variable for setting in SETTINGS), "OPENAI_API_KEY", "", "A B", "PRAXIS_X"])
GARBAGE = st.sampled_from([None, [], "text", 7, deep(400), CYCLE, {None: 1}, {1: {2: 3}}])


@pytest.mark.slow
@given(
    layers=st.lists(layer(3) | GARBAGE, max_size=3), environment=variables(2), strict=st.booleans(),
    socket=st.booleans(), secret_names=st.lists(SECRETS, max_size=2),
)  # fmt: skip
@tiers.examples(250)
def test_the_compiler_never_crashes_and_explains_what_it_finds(
    layers: list[Any], environment: dict[Any, Any], strict: bool, socket: bool, secret_names: list[str]
) -> None:
    found = compiled(layers, environment, strict=strict, docker_socket=socket, secret_names=secret_names)
    for finding in found.findings:
        if finding.where != "praxis_docker_socket":
            explained(finding)
    assert all(isinstance(value, str) and "\0" not in value for value in found.environment.values())
    json.dumps(found.environment).encode()
    assert 30 <= found.start_period < 10**6
    text = peers.with_peers(document.dump(found.document), [])
    text.encode()
    read = yaml.safe_load(text)
    assert (read["p2p"]["port"], read["p2p"]["keystore_path"], read["p2p"]["enabled"]) == (P2P, "/keys", True)


@pytest.mark.slow
@pytest.mark.parametrize(("oddities", "strict"), [(0, True), (1, True), (1, False)])
def test_what_the_compiler_accepts_the_stand_in_runs(standin: Any, place: Path, oddities: int, strict: bool) -> None:
    tried = {"accepted": 0, "refused": 0}

    @given(layers=st.lists(layer(oddities), max_size=3), environment=variables(oddities))
    @tiers.examples(120)
    def run(layers: list[Any], environment: dict[Any, Any]) -> None:
        found = compiled(layers, environment, strict=strict)
        tried["refused" if found.errors else "accepted"] += 1
        if found.errors:
            return
        note("\n".join(map(str, found.findings)))
        agent, server = start(standin, place, found)
        assert (server["api"]["host"], server["api"]["port"]) == ("0.0.0.0", API)
        assert (agent["p2p"]["port"], agent["p2p"]["enabled"]) == (P2P, True)
        if strict:
            assert server["environment"].lower() != "production"
            to_vendor = server["metrics"]["remote_write_url"] == "https://vendor.invalid/push"
            assert not (to_vendor and server["metrics"]["enabled"])
        for setting in (setting for setting in SETTINGS if setting.effect == YAML):
            section, _dot, name = setting.path.rpartition(".")
            given_ = found.document.get(section, {}).get(name)
            shown = name in agent[section] and not setting.fields and setting.path != "logging.file_path"
            if given_ is not None and shown:
                assert agent[section][name] == given_, setting.path

    run()
    many = sum(tried.values())
    assert tried["accepted"] >= many / 8, f"too few were accepted for this to mean anything: {tried}"
    assert oddities == 0 or tried["refused"] >= many / 12, tried


def raw(standin: Any, place: Path, layer_: Any, environment: Mapping[str, str]) -> dict[str, Any]:
    """What the stand-in makes of the user's own file, the collection left out. Raises what would end it."""
    config, _log, _main = standin
    (place / "raw.yaml").write_text(yaml.safe_dump(layer_), encoding="utf-8")
    loaded: dict[str, Any] = config.load("raw.yaml", environment)
    return loaded


def says_nothing(standin: Any, agent: dict[str, Any]) -> bool:
    logger = standin[1].Log()
    logger.set_up({**agent["logging"], "file_enabled": False})
    return "planted line" not in logger._line("INFO", "planted line", colour=False)


def is_refused(standin: Any, call: Callable[[], Any]) -> bool:
    """Whether the stand-in ends on it."""
    try:
        call()
    except (standin[0].ConfigError, yaml.YAMLError, KeyError, ValueError, OverflowError, OSError):
        return True
    return False


def was_right(standin: Any, place: Path, finding: Finding, setting: Setting, value: Any) -> bool:
    """Whether the stand-in shows what a finding says of one setting. True where it has no way to show it."""
    section, _dot, name = setting.path.rpartition(".")
    fields = standin[0].MODELS.get(section, {})
    if finding.code == "unknown-setting":
        return bool(setting.fields) or name not in fields
    if finding.code not in SHOWN or setting.effect != YAML or name not in fields:
        return True
    given_ = {section: {name: value, **({"name": "alpha"} if section == "agent" and name != "name" else {})}}
    if is_refused(standin, lambda: raw(standin, place, given_, {})):
        return finding.code in ("wrong-type", "missing-setting", "placeholder")
    if finding.code in ("wrong-type", "missing-setting"):
        nested_deep = setting.fields or setting.kind in ("mapping", "mappings", "texts", "endpoints")
        if finding.code == "missing-setting" or nested_deep:
            return finding.code == "wrong-type"  # the stand-in looks less deep into these
        got = raw(standin, place, given_, {})[section][name]
        if setting.kind == "duration":
            # The contract knows a whole number, and these two forms of text.
            return type(got) is not type(value) or re.fullmatch("[0-9]{1,9}(s|ms)", str(value)) is None
        unbounded = isinstance(value, (int, float)) and not -(2**63) < value < 2**63
        return unbounded or type(got) is not type(value) or setting.kind == "url"
    agent = raw(standin, place, given_, {})
    if finding.code == "not-a-choice":
        return is_refused(standin, lambda: standin[1].Log().set_up(agent["logging"]))
    if finding.code == "p2p-disabled":
        return agent["p2p"]["enabled"] is False
    if finding.code == "placeholder":
        return "${" in str(agent[section][name])
    return says_nothing(standin, agent)


SHOWN = ("wrong-type", "missing-setting", "not-a-choice", "p2p-disabled", "placeholder", "logging-format-json",
         "logging-format-constant")  # fmt: skip


@given(setting=st.sampled_from(SETTINGS), value=ODD)
@tiers.examples(400)
def test_what_the_compiler_refuses_is_wrong_where_the_stand_in_can_tell(
    standin: Any, place: Path, setting: Setting, value: Any
) -> None:
    found = compiled([nested(setting.path, value)], {})
    for finding in found.errors:
        explained(finding)
        assert finding.where == LAYERS[0]
        if finding.path.startswith(setting.path):
            try:
                yaml.safe_dump(value)
            except (yaml.YAMLError, ValueError, RecursionError):
                continue  # no file can hold it
            assert was_right(standin, place, finding, setting, value), finding


@given(setting=st.sampled_from(SETTINGS), value=TEXT)
@tiers.examples(200)
def test_a_variable_that_is_said_to_do_nothing_does_nothing(
    standin: Any, place: Path, setting: Setting, value: str
) -> None:
    found = compiled([], {setting.spelt_variable: value}, strict=False)
    reported = {finding.code for finding in found.findings}
    warned = {"yaml-beats-environment", "ignored-variable", "unknown-variable", "plaintext-p2p"}
    if found.errors or not reported & warned:
        return
    agent, server = start(standin, place, found)
    plain_agent, plain_server = start(standin, place, compiled([], {}))
    assert agent == plain_agent
    if "yaml-beats-environment" not in reported:
        assert server == plain_server


def test_the_vocabulary_knows_every_field_of_the_stand_in(standin: Any) -> None:
    known = {setting.path for setting in SETTINGS}
    whole = {path for path in known if "." not in path}
    for section, fields in standin[0].MODELS.items():
        assert section in whole or {f"{section}.{name}" for name in fields} <= known, section
    assert set(standin[0].TOP) <= known


# --- settings as files

SCRAPS = st.sampled_from([
    "llm: {model: yes}", "llm: {timeout: 0o17}", "llm: {timeout: 017}", "p2p: {port: 1_000}", "agent: {version: 1.10}",
    "agent: {version: 2026-11-23}", "agent: {version: 2026-02-30}", "llm: {temperature: .nan}", "debug: yes",
    "a: &x [*x]", "llm: &l {model: a}", "agent: *l", "? [a, b]\n: 1", "? {a: b}\n: 1", "llm: !!binary aGk=",
    "llm: !!set {a}", "llm: !!python/object:os.system {}", "llm: !vault x", "p2p: {port: 0x" + "f" * 4000 + "}",
    "p2p: {port: " + "9" * 4400 + "}", "mcp: " + "[" * 400 + "]" * 400, "mcp: " + "[" * 40 + "]" * 40,
    "mcp: " + "{a: " * 400, "--- 1\n--- 2", "%YAML 9.9", "\t", "llm:\n\tmodel: x", "- a", "llm: {model: '{{ x }}'}",
    "llm: {model: {{ x }}}", "llm: {model: '${X}'}", "<<: {a: 1}", "llm: {<<: [1]}", "\ufeffllm: {}",
    "llm: {model: \"\\ud800\"}", "llm: {model: \"\\0\"}", "llm: {model: |\n  a\n  b\n }", "''", "1:30",
    "llm: {timeout: 1:30}", "true: 1", "null: 1", "1.5: 1", ".inf: 1", "2026-01-01: 1",
])  # fmt: skip


@given(scraps=st.lists(SCRAPS, min_size=1, max_size=2), noise=st.binary(max_size=4) | st.just(b""))
@tiers.examples(150)
def test_a_settings_file_is_a_layer_or_a_finding(place: Path, scraps: list[str], noise: bytes) -> None:
    (place / "agent_base.yaml").write_bytes("\n".join(scraps).encode("utf-8", "surrogatepass") + noise)
    fleet_variables.read_layer.cache_clear()
    try:
        read = fleet_variables.read_layer(str(place), "agent_base.yaml")
    except Failed as error:
        for finding in error.findings:
            assert finding.code in ("bad-yaml", "not-utf-8", "bad-settings-file")
            assert finding.where.endswith("agent_base.yaml") and finding.what and finding.fix
        return
    for finding in compiled([read.settings], {}).findings:
        explained(finding)


# --- the stand-in, as a process


def accepted(ports: list[tuple[int, int]]) -> list[Compiled]:
    """The first settings of a fixed series that the compiler accepts, one for each pair of ports."""
    found: list[Compiled] = []

    @seed(20261123)
    @given(layers=st.lists(layer(0), min_size=2, max_size=3), environment=variables(0))
    @settings(max_examples=4 * len(ports), database=None)
    def collect(layers: list[Any], environment: dict[Any, Any]) -> None:
        if len(found) == len(ports):
            return
        api, p2p = ports[len(found)]
        for one in layers:
            for section, port in (("http", api), ("api", api), ("p2p", p2p)):
                if "port" in one.get(section, {}):
                    one[section]["port"] = port
        environment = {name: value for name, value in environment.items() if not name.endswith("__PORT")}
        result = compiled(layers, environment, (api, p2p))
        if not result.errors and not result.secrets:
            found.append(result)

    collect()
    assert len(found) == len(ports), f"only {len(found)} of a series were accepted"
    return found


@pytest.mark.slow
def test_what_the_compiler_accepts_starts_answers_and_listens_where_it_says(tmp_path: Path) -> None:
    agents = [Agent(tmp_path / str(number), "alpha") for number in range(15)]
    try:
        found = accepted([(agent.api_port, agent.p2p_port) for agent in agents])
        for agent, one in zip(agents, found):
            text = peers.with_peers(document.dump(one.document), []).replace(
                "keystore_path: /keys\n", f"keystore_path: {agent.keys}\n"
            ).replace("file_path: /tmp/", f"file_path: {agent.keys.parent}/")  # fmt: skip
            agent.start(text=text, environment=one.environment)
        for agent, one in zip(agents, found):
            what = "an accepted configuration to start: %s %s; log: " % (one.document, one.environment)
            wait_for(what + agent.log(), lambda agent=agent: agent.get("/health")[0] == 200)
            status, info = agent.get("/p2p/info")
            assert status == 200, one
            expected = identity.peer_id((agent.keys / "node.key").read_bytes())
            assert info["addresses"] == [f"/ip4/0.0.0.0/tcp/{agent.p2p_port}/p2p/{expected}"]
            assert agent.request("GET", "/health", Host="agents.example.com")[0] == 200
    finally:
        for agent in agents:
            if agent.process:
                agent.process.kill()
                agent.process.wait()
