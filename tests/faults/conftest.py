from pathlib import Path

import pytest


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The folder where a test mounts a disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder
