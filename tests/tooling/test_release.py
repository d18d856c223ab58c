"""What a release needs: its version on all pages, its libraries and their locks, image and SBOM."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copyfile
from typing import Any, Final

import pytest

from entrypoints.parts.extras import EXTRAS
from entrypoints.parts.version import COMMIT_FILE, DISTRIBUTION, installed_version
from tests.releases import RELEASES
from tests.support.markdown import PAGES, PROJECT, page

PYPROJECT: Final[dict[str, Any]] = tomllib.loads((PROJECT / "pyproject.toml").read_text())
VERSION: Final = PYPROJECT["project"]["version"]
NAMED: Final = re.compile(r"dialtone:([\d.]+\d)|dialtone-([\d.]+\d)\.(?:tar|cdx)")
"""The version in the name of an image, an archive or an SBOM."""


def distribution_name(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement)[0]


def test_changelog_installation_and_pages_have_the_version_of_the_project() -> None:
    assert PYPROJECT["project"]["name"] == DISTRIBUTION
    assert installed_version() == VERSION
    changelog = page("CHANGELOG.md")
    unreleased, *released = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    assert unreleased == "[Unreleased]"
    heading = rf"\[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d"
    is_released = any(re.fullmatch(heading, newest) for newest in released[:1])
    assert is_released or f"This will be {VERSION}," in changelog
    assert is_released == (VERSION in RELEASES), "python -m tests.releases"
    named = [found for text in PAGES.values() for found in NAMED.findall(text)]
    assert {"".join(versions) for versions in named} == {VERSION}


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


@pytest.mark.slow
def test_the_sbom_lists_the_locked_libraries_and_nothing_of_this_machine(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        copyfile(PROJECT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    make = ["make", "--assume-old=install-dev", "sbom", "ARGS=--no-validate"]
    environ = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    subprocess.run(make, cwd=tmp_path, env=environ, capture_output=True, check=True)

    text = (tmp_path / f"dist/dialtone-{VERSION}.cdx.json").read_text()
    sbom = json.loads(text)
    service = sbom["metadata"]["component"]
    assert (service["name"], service["version"]) == (DISTRIBUTION, VERSION)
    lock = (PROJECT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w.-]+)(?:\[.+\])?==([^\s;]+)", lock, re.MULTILINE)
    assert sorted((part["name"], part["version"]) for part in sbom["components"]) == sorted(pins)
    assert "timestamp" not in text
    assert str(tmp_path) not in text


def test_the_builder_of_the_image_gets_the_packages() -> None:
    setuptools = PYPROJECT["tool"]["setuptools"]
    packages = {pattern.rstrip("*") for pattern in setuptools["packages"]["find"]["include"]}
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    copied = {line[1:] for line in lines if line.startswith("!")}
    build = {"LICENSE", "pyproject.toml", "requirements.lock"}
    assert copied == packages | build
    dockerfile = (PROJECT / "Dockerfile").read_text()
    (compiled,) = re.findall(r"-m compileall -q (.+) \\", dockerfile)
    assert {*compiled.split()} == packages
    assert f"> {COMMIT_FILE};" in dockerfile


@pytest.mark.parametrize(
    "folder", ["clients/react", "clients/typescript", "browser/npm", "docs_site/npm"]
)
def test_every_npm_package_has_a_digest_and_no_registry(folder: str) -> None:
    lock = PROJECT / "tests" / folder / "package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    assert packages.pop("")["devDependencies"]
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
