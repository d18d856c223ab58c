"""These tests use all features."""

import pytest

from application import pacing
from tests.support.app_fixture import app

__all__ = ["app", "no_pauses"]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_MAX_PAUSE", 0.0)
