"""How a run gets a Docker Engine, and what it does without one. None is started here."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.servers import container_run, docker_engine, dockerd
from tests.support.servers.choice import CHOICE
from tests.support.servers.docker_engine import engine
from tests.support.servers.dockerd import own_engine
from tests.support.servers.refusals import NoServer, Unavailable


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that has all programs of this machine."""
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
    ("host", "refusal"),
    [
        ("unix:///nobody/here", "no Docker Engine answers"),
        ("tcp://127.0.0.1:1", "tests keep to this machine"),
        ("ssh://elsewhere", "tests keep to this machine"),
    ],
)
def test_an_engine_that_is_not_here_is_none(
    host: str, refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(Unavailable, match=refusal), engine():
        pass


def test_a_socket_that_nobody_answers_at_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine, "_PATIENCE", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "socket"))
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/socket")
        with pytest.raises(Unavailable, match="does not answer"), engine():
            pass


def test_only_root_installs_an_engine(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(programs / "apt-get", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NoServer, match=r"only root can install docker\.io"), own_engine():
        pass


def test_an_engine_is_installed_where_there_is_none(programs: Path) -> None:
    put(programs / "packed", "echo no cgroups here; exit 1")
    put(programs / "apt-get", f"/bin/cp {programs}/packed {programs}/dockerd")
    with pytest.raises(NoServer, match="no cgroups here"), own_engine():
        pass


def test_an_installation_that_fails_is_told_in_its_words(programs: Path) -> None:
    put(programs / "apt-get", "echo E: Unable to fetch some archives; exit 100")
    with pytest.raises(NoServer, match="Unable to fetch some archives"), own_engine():
        pass


def test_an_engine_that_is_there_is_not_installed_again(programs: Path) -> None:
    put(programs / "apt-get", f": > {programs}/called")
    put(programs / "dockerd", "echo not permitted; exit 1")
    with (
        pytest.raises(NoServer, match="dockerd ended while starting:\nnot permitted"),
        own_engine(),
    ):
        pass
    assert not (programs / "called").exists()


@pytest.fixture
def suites(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """The environments in which the suites were run; each time one test failed."""
    environs = []

    def pytest_(_: list[str], environ: Mapping[str, str]) -> int:
        environs.append(environ)
        return 1

    monkeypatch.setattr(container_run, "pytest", pytest_)
    return environs


def test_without_an_engine_suites_run_with_processes_and_the_reason_is_told_last(
    suites: list[Mapping[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def none() -> AbstractContextManager[dict[str, str]]:
        raise NoServer("only root can start one")

    monkeypatch.setattr(container_run, "containers", none)
    assert container_run.main([]) == 1
    assert [environ[CHOICE] for environ in suites] == ["packages"]
    assert capsys.readouterr().out.endswith("as processes, because:\nonly root can start one\n")


def test_with_an_engine_nothing_but_containers_serves(
    suites: list[Mapping[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextmanager
    def some() -> Iterator[dict[str, str]]:
        yield {CHOICE: "containers"}

    monkeypatch.setattr(container_run, "containers", some)
    assert container_run.main([]) == 1
    assert [environ[CHOICE] for environ in suites] == ["containers"]
    assert capsys.readouterr().out.endswith("with their servers in containers.\n")
