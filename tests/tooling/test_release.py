"""What a release needs, before its wheel is built."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from entrypoints.opening.extras import EXTRAS, check_extra
from entrypoints.version.distribution import DISTRIBUTION, check_import_names, installed_version

PROJECT: Final = Path(__file__).parents[2]
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((PROJECT / "pyproject.toml").read_text())
VERSION: Final = PYPROJECT["project"]["version"]
WHEEL: Final = re.compile(r"dialtone_server-(.+?)(?:-py3-none-any\.whl|\.tar\.gz|\.cdx\.json)")


def distribution_name(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement)[0]


def test_the_newest_release_of_the_changelog_is_the_version() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text()
    unreleased, *releases = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    assert unreleased == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d", releases[0])


def test_the_installed_version_is_that_of_the_project() -> None:
    assert PYPROJECT["project"]["name"] == DISTRIBUTION
    assert installed_version() == VERSION


def test_files_that_the_documentation_names_have_this_version() -> None:
    pages = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")]
    named = {version for page in pages for version in WHEEL.findall(page.read_text())}
    assert named == {VERSION}


def test_each_driver_is_in_one_extra_and_no_other_place() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    drivers = {
        extra: {distribution_name(requirement).replace("-", "_") for requirement in requirements}
        for extra, requirements in extras.items()
        if extra != "testing"
    }
    assert drivers == {extra: set(modules) for extra, modules in EXTRAS.items()}
    always = {distribution_name(text) for text in PYPROJECT["project"]["dependencies"]}
    names = [name for modules in drivers.values() for name in modules]
    assert len(names) == len(set(names))
    assert not always & {name.replace("_", "-") for name in names}


def test_the_lock_has_all_extras_but_the_one_for_tests() -> None:
    (extras,) = re.findall(r"^EXTRAS := (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    lock = (PROJECT / "requirements.lock").read_text()
    locked = {distribution_name(line) for line in lock.splitlines() if line[0] != " "}
    assert extras.split() == sorted(EXTRAS)
    assert {name.replace("_", "-") for modules in EXTRAS.values() for name in modules} <= locked
    assert "pytest" not in locked


def test_the_builder_of_the_image_gets_what_the_wheel_has() -> None:
    setuptools = PYPROJECT["tool"]["setuptools"]
    packages = {pattern.rstrip("*") for pattern in setuptools["packages"]["find"]["include"]}
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    copied = {line[1:] for line in lines if line.startswith("!")}
    build = {"LICENSE", "pyproject.toml", "requirements.lock"}
    commit = {".git/HEAD", ".git/packed-refs", ".git/refs"}
    assert copied == packages | build | commit


def test_an_extra_that_is_installed_is_no_error() -> None:
    for extra in EXTRAS:
        check_extra(extra, "this")


def test_no_other_package_here_has_an_import_name_of_the_service() -> None:
    check_import_names()
