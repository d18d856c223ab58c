"""How the processes of a test run share servers. None is started here."""

import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.servers import servers
from tests.support.servers.choice import CHOICE
from tests.support.servers.desk import Desk, ask
from tests.support.servers.images import pack
from tests.support.servers.keeper import answer
from tests.support.servers.refusals import NoServer, Unavailable
from tests.support.servers.servers import Servers


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


def test_a_run_that_asks_for_nothing_starts_nothing(desk: Desk) -> None:
    assert desk.told() == []
    assert [path.name for path in desk.path.parent.iterdir()] == ["desk"]


def test_nothing_of_a_desk_is_left_behind() -> None:
    desk = Desk()
    desk.close()
    assert not desk.path.parent.exists()


def test_who_asks_a_keeper_that_is_gone_is_told_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("MemoryError")
    with pytest.raises(NoServer, match="MemoryError"):
        ask(tmp_path / "desk", "mongo")


def test_a_refusal_is_an_answer() -> None:
    with Servers({CHOICE: "clouds"}) as none:
        assert "not clouds" in answer(none, "mongo")["refusal"]
        assert "not clouds" in answer(none, "s3")["refusal"]
        assert answer(none, "told") == {"told": []}


def test_a_source_that_refused_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refusing(environ: object) -> AbstractContextManager[str]:
        asked.append(environ)
        raise Unavailable("no room")

    monkeypatch.setattr(servers, "MONGO", dict.fromkeys(servers.MONGO, refusing))
    with Servers({CHOICE: "packages"}) as none:
        for _ in range(3):
            with pytest.raises(NoServer, match="no room"):
                none.mongo()
    assert len(asked) == 1


def test_an_image_holds_the_program_and_each_library_where_it_is_looked_for(tmp_path: Path) -> None:
    program, library, name = (tmp_path / part for part in ("server", "libx.so.1.2.3", "libx.so.1"))
    program.write_text("program")
    program.chmod(0o755)
    library.write_text("library")
    name.symlink_to(library)
    packed = tmp_path / "packed"
    with packed.open("w+b") as into:
        pack(into, program, [name])
    with tarfile.open(packed) as tar:
        assert tar.getmember("server").mode & 0o111
        entry = tar.getmember(str(name).removeprefix("/"))
        assert entry.isreg()
        assert entry.size == len("library")
        assert {member.uid for member in tar} == {0}
        assert tar.getmember("tmp").mode == 0o1777
