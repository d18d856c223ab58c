"""The documentation names files, settings, commands, make targets and code that exist."""

import re
from importlib import import_module
from itertools import takewhile
from operator import attrgetter
from typing import Final

from entrypoints.composition.settings import VARIABLES
from tests.support.commands import all_commands
from tests.support.markdown import PAGES, PROJECT, blocks_in, codes, headings, links, page, rows

TEST_VARIABLES: Final = {
    "DIALTONE_TEST_MONGO_URL",
    "DIALTONE_TEST_POSTGRES_URL",
    "DIALTONE_TEST_PLACE",
    "DIALTONE_TEST_S3_ENDPOINT",
}
OF_OTHER_PROGRAMS: Final = {
    # hookaba-backend and flaskapp read these.
    "AWS_S3_BUCKET",
    "TWILIO_MAIN_PHONE_NUMBER",
    "TWILIO_OPT_PHONE_NUMBER",
    "TWILIO_PHONE_NUMBER",
    # botocore reads these.
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
}
ALL: Final = "\n".join(PAGES.values())
PRESENT: Final = "\n".join(text for path, text in PAGES.items() if path.name != "CHANGELOG.md")
"""All but the changelog, which also names what is gone."""
_PATH: Final = re.compile(r"`((?:domain|application|adapters|entrypoints|tests|docs)/[\w./]+)`")
_PAGE: Final = re.compile(r"\bdocs/[\w/-]+\.md\b")
_VARIABLE: Final = re.compile(r"\b(?:DIALTONE|TWILIO|VONAGE|AWS)_[A-Z0-9_]*[A-Z0-9]\b(?!_)")
_METRIC: Final = re.compile(r"\bdialtone_[a-z_]+[a-z]")
_NO_METRICS: Final = {"dialtone_console"}
"""A cookie, whose name looks like that of a metric."""
_MAKE_TARGET: Final = re.compile(r"(?:^|`)make (?:-C \S+ )?([a-z-]+)", re.MULTILINE)
_COMMAND: Final = re.compile(r"(?:^|[`$] ?|bin/)dialtone ([a-z][^`\n|]*)", re.MULTILINE)
_WORD: Final = re.compile(r"[a-z][a-z-]*")
_OPTION: Final = re.compile(r"--[a-z][a-z-]+")


def test_links_lead_to_files_and_headings() -> None:
    found = [
        (path, (path.parent / file).resolve() if file else path, heading)
        for path, text in PAGES.items()
        for file, heading in links(text)
    ]

    assert found
    assert [(path.name, file) for path, file, _ in found if not file.exists()] == []
    to_headings = [link for link in found if link[2]]
    assert to_headings
    assert [link for link in to_headings if link[2] not in headings(PAGES[link[1]])] == []


def test_named_files_settings_targets_and_metrics_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    # A test of the metrics compares this page with the code.
    listed = rows(page("docs/log.md#what-is-counted"))
    metrics = {name for row in listed for name in codes(row[0])}

    assert {path for path in _PATH.findall(ALL) if not (PROJECT / path).exists()} == set()
    known = {*VARIABLES, *TEST_VARIABLES, *OF_OTHER_PROGRAMS}
    assert set(_VARIABLE.findall(PRESENT)) - known == set()
    assert set(_MAKE_TARGET.findall(ALL)) - targets == set()
    assert set(_METRIC.findall(ALL)) - metrics == _NO_METRICS


def test_the_functions_that_a_request_enters_exist() -> None:
    sections = (
        "docs/architecture.md#a-code-from-the-request-to-the-sms",
        "CONTRIBUTING.md#2-follow-that-request",
    )
    steps = [
        (codes(file)[0], codes(function)[0])
        for it in sections
        for file, function, _ in rows(page(it))
    ]

    assert len(steps) > 20
    for file, function in steps:
        module = import_module(file.removesuffix(".py").replace("/", "."))
        assert callable(attrgetter(function)(module)), (file, function)


def test_named_commands_and_their_options_exist() -> None:
    contexts = {each.command_path: each for each in all_commands()}
    named = _COMMAND.findall(PRESENT.replace("\\\n", " "))
    wrong = []
    for line in named:
        words = [*takewhile(_WORD.fullmatch, line.split())]
        paths = [" ".join(["dialtone", *words[:count]]) for count in range(len(words), 0, -1)]
        context = next((contexts[path] for path in paths if path in contexts), None)
        known = {name for it in context.command.params for name in it.opts} if context else {}
        if context is None or {*_OPTION.findall(line)} - {*known, "--help"}:
            wrong.append(line)
    assert len(named) > 100
    assert wrong == []


def test_code_and_samples_name_pages_that_exist() -> None:
    layers = ("domain", "application", "adapters", "entrypoints")
    files = [
        *(PROJECT / name for name in ("Makefile", "compose.yaml", ".env.example", "Dockerfile")),
        *(file for layer in layers for file in (PROJECT / layer).rglob("*.*")),
    ]
    named = {
        (str(file.relative_to(PROJECT)), name)
        for file in files
        if file.suffix in {"", ".py", ".toml", ".html", ".js", ".yaml", ".example"}
        for name in _PAGE.findall(file.read_text(encoding="utf-8"))
    }

    assert named
    assert [(file, name) for file, name in sorted(named) if not (PROJECT / name).exists()] == []


def test_the_adapter_that_the_page_shows_is_an_example() -> None:
    code = (PROJECT / "tests/contract/examples/file_messenger.py").read_text()
    assert any(code.endswith(shown) for shown in blocks_in("python", page("docs/adapters.md")))
