"""Every YAML file of ours, written by a hostile user: read, or refused with every problem; never anything else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from connector.config.accepted_risks import load_accepted_risks
from connector.config.brake_limits import load_brake_limits
from connector.config.mapping_loader import load_pack
from connector.config.prerequisites import load_rules
from connector.config.retry_policies import load_retry_settings
from connector.config.schema import BundledSchema
from connector.config.settings_loader import load_settings
from connector.config.yaml_reader import BYTES_MAX, read_yaml
from connector.core.errors import UsageError
from tests.properties.hostile import bounded, few, hostile, many, mutated, piece, values
from tests.support.world import PACK, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = BundledSchema()
RETRY = (ROOT / "config" / "retry.yaml").read_text(encoding="utf-8")
BRAKES = (ROOT / "config" / "brakes.yaml").read_text(encoding="utf-8")
RULES = (ROOT / "config" / "prerequisites.yaml").read_text(encoding="utf-8")[:12_000]
SETTINGS = (ROOT / "config" / "connector.yaml").read_text(encoding="utf-8")
KINDS = {path.stem: path.read_text(encoding="utf-8") for path in PACK.glob("*.yaml")}
RISKS = "- check: salesforce.packages\n  owner: Ada\n  reason: because\n  expires: 2027-02-01\n"


def answer(load: Callable[[], Any]) -> UsageError | None:
    """The refusal, if there is one; whatever else is raised fails the test."""
    try:
        load()
    except UsageError as error:
        refused = error
    else:
        return None
    assert all(problem.where and problem.observed and problem.remedy for problem in refused.problems)
    # what is shown to a person fits a screen
    assert all(len(str(problem)) < 5_000 for problem in refused.problems)
    return refused


LOADERS: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    # name: (file, its right content, how it is loaded)
    "retry": ("retry.yaml", RETRY, load_retry_settings),
    "brakes": ("brakes.yaml", BRAKES, load_brake_limits),
    "rules": ("prerequisites.yaml", RULES, lambda path: load_rules(path, conditions={"x"})),
    "risks": ("risks.yaml", RISKS, lambda path: load_accepted_risks(path, checks={"salesforce.packages"})),
    "settings": ("config/connector.yaml", SETTINGS, lambda path: load_settings({}, folder=path.parents[1])),
}


def write(folder: Path, file: str, content: bytes) -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", LOADERS)
@hostile
@given(data=st.data())
def test_a_file_that_was_right_and_is_not_any_more(tmp_path: Path, name: str, data: st.DataObject) -> None:
    file, right, load = LOADERS[name]
    text = data.draw(mutated(right))
    path = write(tmp_path, file, text.encode("utf-8", "surrogatepass"))
    with bounded():
        answer(lambda: load(path))


@pytest.mark.parametrize("name", LOADERS)
@hostile
@given(content=st.binary(max_size=200))
@example(content=b"\xff\xfe\x00")
@example(content=b"\xef\xbb\xbfa: 1")
@example(content=b"a: \xed\xa0\x80")
@example(content=b"\x00" * 50)
def test_a_file_that_is_no_text_at_all(tmp_path: Path, name: str, content: bytes) -> None:
    file, _, load = LOADERS[name]
    path = write(tmp_path, file, content)
    answer(lambda: load(path))


@pytest.mark.parametrize("name", LOADERS)
@hostile
@given(content=st.one_of(values, st.dictionaries(st.text(min_size=1, max_size=8), values, max_size=5)))
def test_a_file_of_the_wrong_shape(tmp_path: Path, name: str, content: Any) -> None:
    """JSON is YAML."""
    file, _, load = LOADERS[name]
    path = write(tmp_path, file, json.dumps(content).encode())
    answer(lambda: load(path))


@pytest.mark.parametrize("name", LOADERS)
def test_a_folder_a_missing_file_and_one_that_may_not_be_read(tmp_path: Path, name: str) -> None:
    file, _, load = LOADERS[name]
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    answer(lambda: load(path))
    path.mkdir()
    answer(lambda: load(path))


BOMBS = {
    "billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
    "deep lists": "a: " + "[" * 100_000,
    "deep mappings": "".join(" " * n + "a:\n" for n in range(1_000)),
    "many keys": "".join(f"k{n}: {n}\n" for n in range(80_000)),
    "many times the same key": "k: 1\n" * 100_000,
    "a long line": "a: " + "x" * 900_000,
    "a long key": "x" * 900_000 + ": 1",
    "a long number": "a: " + "9" * 900_000,
    "ten megabytes": "a: " + "x" * 10_000_000,
    "ten megabytes of lines": "a\n" * 5_000_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("name", [*LOADERS, "mapping"])
def test_a_bomb_is_refused_in_bounded_time_and_memory(tmp_path: Path, name: str, bomb: str) -> None:
    content = BOMBS[bomb].encode()
    if name == "mapping":
        for kind, text in KINDS.items():
            write(tmp_path, f"{kind}.yaml", text.encode())
        write(tmp_path, "invoice.yaml", content)
        load = lambda: load_pack(tmp_path, schema=SCHEMA)  # noqa: E731 - one of two ways
    else:
        file, _, loader = LOADERS[name]
        path = write(tmp_path, file, content)
        load = lambda: loader(path)  # noqa: E731 - as above
    with bounded(seconds=30, megabytes=600):
        refused = answer(load)
    assert refused is not None
    if len(content) > BYTES_MAX:
        assert "more than" in str(refused)
        # the other files are not blamed for it
        assert "invoice" in str(refused) or name != "mapping"


@pytest.mark.parametrize("kind", KINDS)
@few
@given(data=st.data())
def test_a_mapping_that_was_right_and_is_not_any_more(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    for name, text in KINDS.items():
        write(tmp_path, f"{name}.yaml", text.encode())
    write(tmp_path, f"{kind}.yaml", data.draw(mutated(KINDS[kind])).encode("utf-8", "surrogatepass"))
    with bounded():
        answer(lambda: load_pack(tmp_path, schema=SCHEMA))


def _paths(content: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [prefix, *(path for key, value in inner for path in _paths(value, (*prefix, key)))][bool(not prefix) :]


@pytest.mark.parametrize("kind", KINDS)
@few
@given(data=st.data())
def test_a_mapping_with_something_else_where_a_thing_belongs(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    problems: list[Any] = []
    node = read_yaml(KINDS[kind], name="x", problems=problems)
    assert node is not None
    content = json.loads(json.dumps(node.plain(), default=str))
    content.pop("examples", None)
    *way, last = data.draw(st.sampled_from(_paths(content)))
    place = content
    for step in way:
        place = place[step]
    place[last] = data.draw(values)
    for name, text in KINDS.items():
        write(tmp_path, f"{name}.yaml", text.encode())
    write(tmp_path, f"{kind}.yaml", json.dumps(content).encode())
    with bounded():
        answer(lambda: load_pack(tmp_path, schema=SCHEMA))


@many
@given(text=st.one_of(st.text(), st.lists(piece, max_size=12).map("".join)))
@example(text="\ud800")
@example(text="a: \ud800")
@example(text="? [a, b]\n: c")
@example(text="a: !!binary aGk=")
def test_any_text_is_read_or_reported(text: str) -> None:
    problems: list[Any] = []
    node = read_yaml(text, name="x", problems=problems)
    # nothing read and nothing reported: then there is nothing, as another reader says too
    assert node is not None or problems or yaml.compose(text, Loader=yaml.SafeLoader) is None


NAMES = ["CONNECTOR_GO_LIVE", "CONNECTOR_STRIPE__API_KEY", "CONNECTOR_SHARDS", "CONNECTOR_SALESFORCE__TIMEOUT_S"]
NAMES += ["CONNECTOR_STRIPE__CONCURRENCY", "CONNECTOR_HOME", "CONNECTOR_MAPPINGS", "CONNECTOR_TIME_ZONE"]
NAMES += ["CONNECTOR_DATABASE__URL", "CONNECTOR_STRIPE", "CONNECTOR_", "CONNECTOR_SALESFORCE__PRIVATE_KEY_FILE"]
NAMES += ["CONNECTOR_STRIPE__WHOLE_UNIT_CURRENCIES", "CONNECTOR_LOG__LEVEL", "CONNECTOR_VERIFY__WEBHOOK_URL"]


@many
@given(
    variables=st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(piece, st.sampled_from(["file:/dev/zero", "file:", "env:", "env:CONNECTOR_GO_LIVE", "file:\x00"])),
        max_size=5,
    )
)
@example(variables={"CONNECTOR_STRIPE__API_KEY": "sk_test_\udcff"})
@example(variables={"CONNECTOR_GO_LIVE": "\udcff"})
@example(variables={"CONNECTOR_HOME": "~nobody_here"})
@example(variables={"CONNECTOR_HOME": "a\x00b"})
@example(variables={"CONNECTOR_MAPPINGS": "x" * 5000})
@example(variables={"CONNECTOR_STRIPE__API_KEY": "file:/dev/zero"})
@example(variables={"CONNECTOR_SHARDS": "9" * 5000})
def test_any_variables_are_read_or_reported(tmp_path: Path, variables: dict[str, str]) -> None:
    with bounded(seconds=10):
        answer(lambda: load_settings(variables, folder=tmp_path))


@hostile
@given(lines=st.lists(piece, max_size=8))
@example(lines=["CONNECTOR_STRIPE__API_KEY=" + "x" * 10_000_000])
def test_any_dotenv_is_read_or_reported(tmp_path: Path, lines: list[str]) -> None:
    write(tmp_path, ".env", "\n".join(lines).encode("utf-8", "surrogatepass"))
    with bounded():
        answer(lambda: load_settings({}, folder=tmp_path))
