"""The folder in which the workers of a service keep their counts."""

import os
from pathlib import Path

from adapters.operations.metrics.folder import VARIABLE, open_metrics_folder


def test_it_is_empty_private_and_named_and_removed_at_the_end(tmp_path: Path) -> None:
    with open_metrics_folder(tmp_path) as folder:
        assert os.environ[VARIABLE] == str(folder)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list(folder.iterdir()) == []
        (folder / "counter_1.db").touch()
    assert VARIABLE not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_service_left_is_removed_and_a_folder_in_use_stays(tmp_path: Path) -> None:
    left = tmp_path / "dialtone-metrics-left"
    left.mkdir()
    (left / "counter_1.db").touch()
    with open_metrics_folder(tmp_path) as first, open_metrics_folder(tmp_path) as second:
        assert {*tmp_path.iterdir()} == {first, second}
