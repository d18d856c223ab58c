from pathlib import Path

import pytest


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where a disk of the test's own goes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder
