"""What the blocks of the documentation show is right: commands, requests and settings."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import dropwhile, takewhile
from typing import Any, Final, NamedTuple
from unittest.mock import patch
from urllib.parse import urlsplit

import click
import pytest

from entrypoints.commands.dialtone import make_dialtone
from entrypoints.commands.shared.command import Command, CommandGroup
from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.settings import FIELDS, VARIABLES
from entrypoints.settings.startup_error import SettingsError
from tests.support.markdown import PAGES, PROJECT, blocks
from tests.support.schema_check import is_valid, resolve
from tests.support.settings import keys_parsed_once
from tests.unit.entrypoints.settings.texts import ALL_USED

ALL: Final = "\n".join(PAGES.values())
BLOCKS: Final = [block for text in PAGES.values() for block in blocks(text)]
DESCRIPTION: Final[dict[str, Any]] = json.loads((PROJECT / "docs/openapi.json").read_text("utf-8"))
_HERE_DOCUMENT: Final = re.compile(r"<<'(\w+)'\n.*?^\1$", re.MULTILINE | re.DOTALL)
_SUBSTITUTION: Final = re.compile(r"\$\(([^()]*)\)")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_KEYWORDS: Final = {"do", "done", "else", "export", "fi", "if", "sudo", "then", "until", "while"}
_IN_TEXT: Final = re.compile(r"`dialtone ([^`]+)`")
_USAGE: Final = re.compile(r"^(?:\$ )?dialtone ([a-z].*)$", re.MULTILINE)
_SETTING_IN_TEXT: Final = re.compile(r"`((?:DIALTONE|TWILIO|VONAGE|AWS)_\w+=[^`\s]+)`")
_OPTION: Final = re.compile(r"--[a-z][a-z-]+")
_REQUEST_IN_TEXT: Final = re.compile(r"`(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (/[^`\s?]*)")
_NOT_DESCRIBED: Final = {
    # The description has what clients of the API send. These are health of a hook, metrics,
    # all paths at once, requests of Twilio, and the path that extending.md adds as an example.
    ("HEAD", "/"),
    ("GET", "/metrics"),
    ("OPTIONS", "/"),
    *(("POST", f"/voice{path}") for path in ("", "/calls/{id}", "/fallback", "/status")),
    ("POST", "/sms/status"),
    ("GET", "/library/{item_id}/owner"),
    # The changelog says that it is gone.
    ("GET", "/admin/costs"),
}
_OTHER_SETTINGS: Final = ALL_USED | {
    "DIALTONE_MEDIA_VARIANTS": "thumb:320x320,led:64x64!",
    "DIALTONE_WEB_CONSOLE": "yes",
    # A country has a channel of calls.
    "DIALTONE_COUNTRIES": "IN,US,DE,BR",
    "TWILIO_VOICE_FROM": "+15005550006",
}
_FROM_RESPONSES: Final = {"PHONE": "+14155552671", "CODE": "123456"}


class ShownCommand(NamedTuple):
    settings: tuple[str, ...]
    """The assignments before the program, or alone."""
    words: tuple[str, ...]
    """The program and its arguments."""


class Request(NamedTuple):
    method: str
    path: str
    """Empty if it is one of a server that is not ours."""
    body: str


def split(line: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if not set(word) <= set("();|&"):
            words.append(word)
        elif words:
            yield words
            words = []
    for inner in _SUBSTITUTION.findall(line):
        yield from split(inner)


@cache
def commands() -> list[ShownCommand]:
    """Return each simple command of all blocks for a shell."""
    found = []
    for block in BLOCKS:
        text = _HERE_DOCUMENT.sub("", block.text) if block.language == "sh" else ""
        for line in re.sub(r"(?:\\|(\|))\n", r"\1 ", text).splitlines():
            for simple_command in split(line):
                words = [*dropwhile(_KEYWORDS.__contains__, simple_command)]
                if words[:1] == ["runuser"]:
                    words = words[words.index("--") + 1 :]
                settings = tuple(takewhile(_ASSIGNMENT.match, words))
                if words and words[0] != "for":
                    found.append(ShownCommand(settings, tuple(words[len(settings) :])))
    return found


def program(command: ShownCommand) -> str:
    """Return the name of the program, without its folder or variable; empty if there is none."""
    return command.words[0].rpartition("/")[2].lstrip("$").lower() if command.words else ""


def dialtone_commands() -> set[tuple[str, ...]]:
    """Return the arguments of each `dialtone` in a block, also in a container."""
    found = {one.words[1:] for one in commands() if program(one) == "dialtone"} | {
        one.words[one.words.index("dialtone") + 1 :]
        for one in commands()
        if one.words[:2] == ("docker", "run") and "dialtone" in one.words
    }
    return {_without_redirection(words) for words in found}


def _without_redirection(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(takewhile(lambda word: word not in {">", ">>", "<", "2>"}, words))


def is_accepted(arguments: tuple[str, ...]) -> bool:
    """Return whether the arguments of `dialtone` are valid. No command runs."""
    try:
        with patch.object(Command, "invoke", return_value=0):
            code = _dialtone().main(arguments, "dialtone", standalone_mode=False)
    except click.UsageError:
        return False
    return bool(code == 0)


@cache
def _dialtone() -> CommandGroup:
    return make_dialtone()


def test_each_block_for_a_shell_has_its_syntax() -> None:
    shown = [block.text for block in BLOCKS if block.language == "sh"]
    script = "\n".join(f"f{number}() {{\n{text}\n:; }}" for number, text in enumerate(shown))
    read = subprocess.run(
        ["/bin/bash", "-n"], input=script, capture_output=True, text=True, check=False
    )

    assert (read.returncode, read.stderr) == (0, "")


def test_each_command_in_a_block_is_accepted() -> None:
    found = dialtone_commands()

    assert found
    assert [words for words in sorted(found) if not is_accepted(words)] == []


def test_each_named_command_has_the_named_options(capsys: pytest.CaptureFixture[str]) -> None:
    # The changelog also names commands that are gone.
    present = [text for path, text in PAGES.items() if path.name != "CHANGELOG.md"]
    named = {command for text in present for command in _IN_TEXT.findall(text)} | {
        command
        for block in BLOCKS
        if block.language in {"", "text"}
        for command in _USAGE.findall(block.text)
    }
    wrong = []
    for command in sorted(named):
        words = [*takewhile(re.compile(r"[a-z][a-z-]*").fullmatch, command.split())]
        known = is_accepted((*words, "--help"))
        options = set(_OPTION.findall(command)) - set(_OPTION.findall(capsys.readouterr().out))
        if not known or options:
            wrong.append(command)
    assert wrong == []


def test_each_request_of_curl_is_described() -> None:
    requests = [parse_curl(one.words) for one in commands() if program(one) == "curl"]
    ours = [request for request in requests if request.path]

    assert ours
    assert [request for request in ours if not is_described(request)] == []


def parse_curl(words: tuple[str, ...]) -> Request:
    """Return the request of a command. Options that are not known here are an error."""
    method, url, body = "", "", ""
    arguments = iter(_without_redirection(words[1:]))
    for word in arguments:
        if word == "-X":
            method = next(arguments)
        elif word in {"-d", "-F"}:
            content, method = next(arguments), method or "POST"
            body = content if word == "-d" else ""
        elif word in {"-H", "-o", "-w", "-sw"}:
            next(arguments)
        elif not re.fullmatch(r"-[Ssfi]+", word):
            assert not url, words
            url = word
    if url.startswith("$API"):
        return Request(method or "GET", urlsplit(url.removeprefix("$API")).path, body)
    parts = urlsplit(url)
    is_ours = parts.hostname in {"127.0.0.1", "dialtone.example.org", "api.example.org"}
    return Request(method or "GET", parts.path if is_ours else "", body)


def is_described(request: Request) -> bool:
    """Return whether the description of the API has the path, the method and the body."""
    for path, operations in DESCRIPTION["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        if re.fullmatch(pattern, request.path) and request.method.lower() in operations:
            operation = operations[request.method.lower()]
            return not request.body or _is_valid_body(operation, request.body)
    return False


def test_each_request_in_the_text_is_described() -> None:
    named = {Request(method, path, "") for method, path in _REQUEST_IN_TEXT.findall(ALL)}

    assert named
    unknown = {request[:2] for request in named if not is_described(request)}
    assert unknown - _NOT_DESCRIBED == set()


def _is_valid_body(operation: dict[str, Any], body: str) -> bool:
    # The values that the page got from a response.
    text = re.sub(r"\$(\w+)|…", lambda match: _FROM_RESPONSES.get(match[1], "0" * 64), body)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return is_valid(DESCRIPTION, resolve(DESCRIPTION, schema), json.loads(text))


def test_each_value_of_a_setting_is_valid() -> None:
    shown = [text for one in commands() for text in (*one.settings, *one.words)]
    assigned = [text for text in shown if _ASSIGNMENT.match(text)]
    settings = {tuple(text.split("=", 1)) for text in (*assigned, *_SETTING_IN_TEXT.findall(ALL))}
    known = [(name, value) for name, value in sorted(settings) if name in VARIABLES]

    assert known
    with keys_parsed_once():
        assert [setting for setting in known if not is_valid_setting(*setting)] == []


def is_valid_setting(name: str, value: str) -> bool:
    if not value or re.search(r"[$…]", value) or name not in FIELDS:
        return True
    try:
        read_settings(_OTHER_SETTINGS | {name: value}, None)
    except SettingsError as error:
        return not re.search(rf"^{name}:", str(error), re.MULTILINE)
    return True
