"""The log never fails."""

import json
import logging
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.logs.formatter import LineFormatter, as_columns, as_json
from entrypoints.logs.values import plain
from tests.support.examples import examples
from tests.support.log_lines import a_record, logged


class Broken:
    def __repr__(self) -> str:
        raise ValueError("tops3cret")

    __str__ = __repr__


@dataclass
class Loop:
    inside: Any = None


def test_a_broken_value_is_shown_as_its_type() -> None:
    loop = Loop()
    loop.inside = {"again": [loop]}
    line = logged(
        {"event": "x", "a": Broken(), "b": float("nan"), "c": 10**5000, "d": [Broken()], "e": loop}
    )

    assert (line["a"], line["b"], line["c"], line["d"]) == (
        "<Broken>",
        "<float>",
        "<int>",
        ["<Broken>"],
    )
    assert line["e"]["type"] == "Loop"


@pytest.mark.parametrize(
    "record",
    [
        a_record("%d %d", "not", "numbers"),
        a_record("%s", Broken()),
        a_record(Broken()),
        a_record({"event": Broken()}),
        a_record({Broken(): 1}),
        a_record("x", exc_info=(None, None, None)),
        a_record("x", exc_info=True),
        a_record(None),
    ],
)
def test_a_record_that_cannot_be_read_still_makes_a_line(record: logging.LogRecord) -> None:
    for render in (as_json, as_columns(has_colors=True)):
        line = LineFormatter(render).format(record)

        assert line
        assert "tops3cret" not in line


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=examples(25))
@given(st.text(), st.dictionaries(st.text(), json_like, max_size=3))
def test_any_data_makes_a_line_in_both_forms(event: str, members: dict[str, Any]) -> None:
    record = a_record({**members, "event": event})

    line = LineFormatter(as_json).format(record)
    assert json.loads(line)["level"] == "warning"
    assert LineFormatter(as_columns(has_colors=False)).format(record)


def test_endless_texts_and_lists_are_cut() -> None:
    assert len(str(plain("x" * 1_000_000))) < 3000
    assert len(str(plain(["x" * 10] * 1_000_000))) < 3000
