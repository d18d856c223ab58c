from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.servers.mongo import MongoProcess


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The folder where a test mounts a disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[MongoProcess]]:
    """The nodes of a replica set."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(MongoProcess(tmp_path / f"node{number}", alone=False))
            for number in range(3)
        ]
