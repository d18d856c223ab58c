"""Exceptions in the log: what they are and where they passed, not what they say."""

import json

import pytest

from application.ports.errors import StorageUnavailable
from domain.errors import InvalidValue
from tests.support.log_lines import logged


def test_of_an_exception_only_its_class_and_where_it_passed_is_told() -> None:
    def fail(text: str) -> None:
        try:
            int(text)
        except ValueError as error:
            raise KeyError(text) from error

    with pytest.raises(KeyError) as raised:
        fail("tops3cret")

    for line in (
        logged("it failed", exc_info=(KeyError, raised.value, raised.value.__traceback__)),
        logged({"event": "it failed", "exc_info": raised.value}),
        logged({"event": "it failed", "error": raised.value}),
        logged("it failed: %s", raised.value),
    ):
        assert "tops3cret" not in json.dumps(line)
        assert "KeyError" in json.dumps(line)

    story = logged("x", exc_info=raised.value)["exception"].splitlines()
    assert story[0] == "KeyError"
    assert "test_logs_exceptions.py:" in story[1]
    assert story[1].endswith("test_of_an_exception_only_its_class_and_where_it_passed_is_told")
    assert "caused by ValueError" in story


def test_our_own_errors_say_what_they_have_to_say() -> None:
    error = StorageUnavailable("the disk is full")
    error.__cause__ = OSError(28, "No space left on /secret/place")

    assert logged("x", exc_info=error)["exception"].splitlines() == [
        "application.ports.errors.StorageUnavailable: the disk is full",
        "caused by OSError (ENOSPC)",
    ]
    assert logged({"event": "x", "error": InvalidValue("Too long")})["error"].endswith("Too long")


def test_an_exception_that_came_while_another_was_handled_is_told_as_such() -> None:
    error = KeyError("tops3cret")
    error.__context__ = TypeError("tops3cret")

    assert logged("x", exc_info=error)["exception"] == "KeyError\nwhile handling TypeError"


def test_the_members_of_an_exception_group_are_told() -> None:
    error = ExceptionGroup("tops3cret", [ValueError("tops3cret"), StorageUnavailable("down")])

    assert logged("x", exc_info=error)["exception"].splitlines() == [
        "ExceptionGroup",
        "  | ValueError",
        "  | application.ports.errors.StorageUnavailable: down",
    ]


def test_exceptions_that_name_each_other_come_to_an_end() -> None:
    one, other = KeyError(), TypeError()
    one.__cause__, other.__cause__ = other, one

    assert logged("x", exc_info=one)["exception"] == "KeyError\ncaused by TypeError"


def test_an_endless_recursion_is_told_briefly() -> None:
    def again() -> None:
        again()

    with pytest.raises(RecursionError) as raised:
        again()

    assert len(logged("x", exc_info=raised.value)["exception"].splitlines()) < 50


def test_of_others_only_the_first_line_is_told() -> None:
    assert logged("first\nsource line\n%s", "tops3cret")["event"] == "first"


def test_stacks_with_their_source_lines_are_left_out() -> None:
    line = logged({"event": "x", "stack_info": "code", "stack": "code", "positional_args": [1]})

    assert set(line) == {"timestamp", "level", "event", "logger"}
