"""Processors are those of the control group, not those of the machine."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.operations.system import count_processors


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.parametrize(
    ("own", "files", "processors"),
    [
        ("0::/\n", {"cpu.max": "350000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        (
            "4:cpu,cpuacct:/docker/1\n0::/\n",
            {
                "cpu,cpuacct/docker/1/cpu.cfs_quota_us": "250000\n",
                "cpu,cpuacct/docker/1/cpu.cfs_period_us": "100000\n",
            },
            2,
        ),
        ("1:cpu:/\n2:memory:/x\n", {"cpu/cpu.cfs_quota_us": "text\n"}, 8),
    ],
)
def test_the_quota_of_the_control_group_counts(
    tmp_path: Path, own: str, files: Mapping[str, str], processors: int
) -> None:
    for name, text in {
        "own": own,
        **{f"cgroups/{name}": text for name, text in files.items()},
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert count_processors(tmp_path / "cgroups", tmp_path / "own") == processors
