"""What a release needs, before its wheel is built."""

import re
import tomllib
from typing import Any, Final

from entrypoints.opening.extras import EXTRAS
from entrypoints.version.distribution import DISTRIBUTION, installed_version
from tests.support.markdown import PAGES, PROJECT, page

PYPROJECT: Final[dict[str, Any]] = tomllib.loads((PROJECT / "pyproject.toml").read_text())
VERSION: Final = PYPROJECT["project"]["version"]
WHEEL: Final = re.compile(r"dialtone_server-(.+?)(?:-py3-none-any\.whl|\.tar\.gz|\.cdx\.json)")


def distribution_name(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement)[0]


def test_changelog_installation_and_pages_have_the_version_of_the_project() -> None:
    assert PYPROJECT["project"]["name"] == DISTRIBUTION
    assert installed_version() == VERSION
    unreleased, newest, *_ = re.findall(r"^## (.+)$", page("CHANGELOG.md"), re.MULTILINE)
    assert unreleased == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d", newest)
    assert {version for text in PAGES.values() for version in WHEEL.findall(text)} == {VERSION}


def test_each_driver_is_in_one_extra_and_no_other_place() -> None:
    optional = PYPROJECT["project"]["optional-dependencies"]
    drivers = {
        extra: sorted(distribution_name(text).replace("-", "_") for text in requirements)
        for extra, requirements in optional.items()
    }
    assert drivers == {
        extra: sorted(module.replace(".", "_") for module in modules)
        for extra, modules in EXTRAS.items()
    }
    always = [distribution_name(text) for text in PYPROJECT["project"]["dependencies"]]
    names = [name.replace("_", "-") for modules in drivers.values() for name in modules]
    assert len({*names, *always}) == len(names) + len(always)


def test_the_lock_has_all_extras_and_nothing_of_tests() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    locked = {distribution_name(line) for line in lock.splitlines() if line[0] != " "}
    assert {re.sub("[_.]", "-", name) for modules in EXTRAS.values() for name in modules} <= locked
    assert "pytest" not in locked


def test_the_builder_of_the_image_gets_what_the_wheel_has() -> None:
    setuptools = PYPROJECT["tool"]["setuptools"]
    packages = {pattern.rstrip("*") for pattern in setuptools["packages"]["find"]["include"]}
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    copied = {line[1:] for line in lines if line.startswith("!")}
    build = {"LICENSE", "pyproject.toml", "requirements.lock"}
    commit = {".git/HEAD", ".git/packed-refs", ".git/refs"}
    assert copied == packages | build | commit
