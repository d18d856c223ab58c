"""The servers that the processes of a test run share. No server is started."""

import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.servers import servers as servers_module
from tests.support.servers.container_images import pack
from tests.support.servers.errors import ServerUnavailable, SourceUnavailable
from tests.support.servers.servers import Servers
from tests.support.servers.shared_servers import SharedServers, request_server
from tests.support.servers.shared_servers_process import respond_to
from tests.support.servers.sources import SOURCES_VARIABLE


@pytest.fixture
def shared_servers() -> Iterator[SharedServers]:
    shared_servers = SharedServers()
    yield shared_servers
    shared_servers.close()


def test_no_process_starts_before_a_request(shared_servers: SharedServers) -> None:
    assert shared_servers.report() == []
    assert [path.name for path in shared_servers.socket_path.parent.iterdir()] == ["socket"]


def test_closing_deletes_the_folder() -> None:
    shared_servers = SharedServers()
    shared_servers.close()
    assert not shared_servers.socket_path.parent.exists()


def test_if_the_process_has_ended_the_error_has_its_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("MemoryError")
    with pytest.raises(ServerUnavailable, match="MemoryError"):
        request_server(tmp_path / "socket", "mongo")


def test_an_error_is_a_response() -> None:
    with Servers({SOURCES_VARIABLE: "clouds"}) as servers:
        assert "not clouds" in respond_to(servers, "mongo")["error"]
        assert "not clouds" in respond_to(servers, "s3")["error"]
        assert respond_to(servers, "report") == {"report": []}


def test_a_source_that_failed_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def fail(environ: object) -> AbstractContextManager[str]:
        attempts.append(environ)
        raise SourceUnavailable("disk full")

    monkeypatch.setattr(servers_module, "MONGO", dict.fromkeys(servers_module.MONGO, fail))
    with Servers({SOURCES_VARIABLE: "packages"}) as servers:
        for _ in range(3):
            with pytest.raises(ServerUnavailable, match="disk full"):
                servers.mongo()
    assert len(attempts) == 1


def test_an_image_has_the_program_and_each_library_at_its_path(tmp_path: Path) -> None:
    program, library, name = (tmp_path / part for part in ("server", "libx.so.1.2.3", "libx.so.1"))
    program.write_text("program")
    program.chmod(0o755)
    library.write_text("library")
    name.symlink_to(library)
    packed = tmp_path / "packed"
    with packed.open("w+b") as output:
        pack(output, program, [name])
    with tarfile.open(packed) as tar:
        assert tar.getmember("server").mode & 0o111
        entry = tar.getmember(str(name).removeprefix("/"))
        assert entry.isreg()
        assert entry.size == len("library")
        assert {member.uid for member in tar} == {0}
        assert tar.getmember("tmp").mode == 0o1777
