"""How a run gets a Docker Engine, and what it does without one. No engine is started."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.servers import container_run, docker_engine, dockerd
from tests.support.servers.docker_engine import open_engine
from tests.support.servers.dockerd import start_engine
from tests.support.servers.errors import ServerUnavailable, SourceUnavailable
from tests.support.servers.sources import SOURCES_VARIABLE


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in the search path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(dockerd, "SYSTEM_PATH", "")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return folder


def put(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("unix:///missing/socket", "no Docker Engine responds"),
        ("tcp://127.0.0.1:1", "tests use this machine only"),
        ("ssh://other-host", "tests use this machine only"),
    ],
)
def test_an_engine_of_another_machine_is_not_used(
    host: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SourceUnavailable, match=message), open_engine():
        pass


def test_an_engine_that_does_not_respond_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine, "_CONNECT_TIMEOUT", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "socket"))
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/socket")
        with pytest.raises(SourceUnavailable, match="does not respond"), open_engine():
            pass


def test_only_root_installs_an_engine(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(programs / "apt-get", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with (
        pytest.raises(ServerUnavailable, match=r"only root can install docker\.io"),
        start_engine(),
    ):
        pass


def test_a_missing_engine_is_installed(programs: Path) -> None:
    put(programs / "packed", "echo no cgroups here; exit 1")
    put(programs / "apt-get", f"/bin/cp {programs}/packed {programs}/dockerd")
    with pytest.raises(ServerUnavailable, match="no cgroups here"), start_engine():
        pass


def test_the_error_of_a_failed_installation_has_its_output(programs: Path) -> None:
    put(programs / "apt-get", "echo E: Unable to fetch some archives; exit 100")
    with pytest.raises(ServerUnavailable, match="Unable to fetch some archives"), start_engine():
        pass


def test_an_installed_engine_is_not_installed_again(programs: Path) -> None:
    put(programs / "apt-get", f": > {programs}/called")
    put(programs / "dockerd", "echo not permitted; exit 1")
    with (
        pytest.raises(ServerUnavailable, match="dockerd ended while starting:\nnot permitted"),
        start_engine(),
    ):
        pass
    assert not (programs / "called").exists()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """The environments of all runs; each run has a failed test."""
    environs = []

    def pytest_(_: list[str], environ: Mapping[str, str]) -> int:
        environs.append(environ)
        return 1

    monkeypatch.setattr(container_run, "pytest", pytest_)
    return environs


def test_without_an_engine_tests_use_processes_and_print_the_reason_last(
    runs: list[Mapping[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> AbstractContextManager[dict[str, str]]:
        raise ServerUnavailable("only root can start one")

    monkeypatch.setattr(container_run, "open_containers", fail)
    assert container_run.main([]) == 1
    assert [environ[SOURCES_VARIABLE] for environ in runs] == ["packages"]
    assert capsys.readouterr().out.endswith("as processes:\nonly root can start one\n")


def test_with_an_engine_only_containers_are_used(
    runs: list[Mapping[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextmanager
    def open_containers() -> Iterator[dict[str, str]]:
        yield {SOURCES_VARIABLE: "containers"}

    monkeypatch.setattr(container_run, "open_containers", open_containers)
    assert container_run.main([]) == 1
    assert [environ[SOURCES_VARIABLE] for environ in runs] == ["containers"]
    assert capsys.readouterr().out.endswith("with their servers in containers.\n")
