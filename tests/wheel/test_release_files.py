"""The files of a release: sdist, wheel, locks and SBOM."""

import json
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from entrypoints.version.commit import COMMIT_FILE
from tests.wheel.conftest import DIST, PACKAGES, PROJECT

ENVIRONMENT: Final = PROJECT / ".venv/image/bin/python"
"""The environment that `make sbom` made."""


def files_of_packages() -> set[str]:
    """The files below the packages in git, also those that are not committed yet."""
    listed = run_git("ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES)
    return {name for name in listed.splitlines() if (PROJECT / name).exists()}


def run_git(*arguments: str) -> str:
    """Return the output of git."""
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_the_wheel_has_all_files_of_the_packages_and_no_others(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert names == files_of_packages() | {COMMIT_FILE}
        for name in names - {COMMIT_FILE}:
            assert archive.read(name) == (PROJECT / name).read_bytes(), name


def test_the_wheel_has_its_commit_and_is_the_same_for_each_build_of_it(wheel: Path) -> None:
    shown = run_git("log", "-1", "--format=%H %ct").split()
    with ZipFile(wheel) as archive:
        assert archive.read(COMMIT_FILE).decode().split() == shown[:1]
        times = {member.date_time for member in archive.infolist()}
    # A ZIP archive has even seconds.
    second = int(shown[1]) // 2 * 2
    assert times == {tuple(time.gmtime(second)[:6])}


def test_the_sdist_has_the_same_packages_and_no_tests(wheel: Path) -> None:
    (file,) = DIST.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    packaged = {name for name in names if name.startswith(PACKAGES)}
    assert packaged == files_of_packages() | {COMMIT_FILE}
    assert {"LICENSE", "pyproject.toml"} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "."))]


def test_the_constraints_are_the_versions_of_the_lock() -> None:
    pins = (DIST / "constraints.txt").read_text().splitlines()
    lock = (PROJECT / "requirements.lock").read_text()
    assert (DIST / "requirements.lock").read_text() == lock
    assert len(pins) == sum(line[0] != " " for line in lock.splitlines())
    assert not [pin for pin in pins if "[" in pin or "\\" in pin or "://" in pin]


def test_the_sbom_is_reproducible_and_names_no_file_of_this_machine(tmp_path: Path) -> None:
    (sbom,) = DIST.glob("*.cdx.json")
    again = tmp_path / "again.json"
    tool = Path(sys.executable).with_name("cyclonedx-py")
    options = [
        "--output-reproducible",
        "--no-validate",
        f"--pyproject={PROJECT}/pyproject.toml",
    ]
    subprocess.run([tool, "environment", *options, "-o", again, ENVIRONMENT], check=True)

    text = sbom.read_text()
    assert again.read_text() == text
    for part in ("file:", str(PROJECT), "/simple"):
        assert part not in text
    document = json.loads(text)
    assert document["metadata"]["component"]["name"] == "dialtone-server"
    names = {component["name"] for component in document["components"]}
    assert {"litestar", "motor", "psycopg", "aiobotocore", "twilio", "prometheus_client"} <= names
    assert not {"pip", "setuptools", "pytest"} & names
