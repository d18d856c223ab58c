"""The commands of `dialtone` that the documentation names exist, with their options."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final

import pytest

from entrypoints.commands.arguments import make_parser

PROJECT: Final = Path(__file__).parents[2]
PAGES: Final = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]
_BLOCK: Final = re.compile(r"^ *```(?:sh|bash)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# A path or a variable of the shell may be before it, and another command after it.
_LINE: Final = re.compile(
    r"^(?:.*[ /$])?(?:dialtone|DIALTONE) ([a-z][a-z-]*(?![\w./-])[^&>)]*)", re.MULTILINE
)
_IN_TEXT: Final = re.compile(r"`dialtone ([^`]+)`")
_OPTION: Final = re.compile(r"--[a-z][a-z-]+")
_PLACEHOLDER: Final = re.compile(r"[\[|…]")


def lines() -> Iterator[tuple[str, str]]:
    """Yield the page and the arguments of each command in a block."""
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                for command in _LINE.findall(line.split(" #")[0]):
                    yield page.name, command.strip()


def names() -> Iterator[tuple[str, str]]:
    """Yield the page and each command in a sentence, and those in blocks."""
    for page in PAGES:
        for command in _IN_TEXT.findall(page.read_text(encoding="utf-8")):
            yield page.name, " ".join(command.split())
    yield from lines()


def is_accepted(arguments: list[str]) -> bool:
    try:
        make_parser().parse_args(arguments)
    except SystemExit as end:
        return end.code == 0
    return True


def test_each_command_in_a_block_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    commands = {line for line in lines() if not _PLACEHOLDER.search(line[1])}

    assert len(commands) > 50
    refused = [command for command in sorted(commands) if not is_accepted(shlex.split(command[1]))]
    assert refused == [], capsys.readouterr().err


def test_each_named_command_has_the_named_options(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for page, command in sorted(set(names())):
        words = list(takewhile(re.compile(r"[a-z][a-z-]*").fullmatch, command.split()))
        known = is_accepted([*words, "--help"])
        options = set(_OPTION.findall(command)) - set(_OPTION.findall(capsys.readouterr().out))
        if not known or options:
            wrong.append((page, command))
    assert wrong == []
