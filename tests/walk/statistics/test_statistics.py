"""Statistics."""

from pathlib import Path

import pytest

from tests.support.walker import walking

pytestmark = pytest.mark.slow


def test_an_operator_sees_statistics(tmp_path: Path) -> None:
    with walking(tmp_path / "service") as walker:
        walker.sign_in("+14155570601")
        shown = walker.service.run("statistics")
        assert shown.returncode == 0, shown.stderr
