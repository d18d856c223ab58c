"""Opening and closing a key source."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from application.ports.keys import KeyPurpose
from entrypoints.opening import keys as opening
from entrypoints.settings.values import Factory
from tests.support.builders import NOW
from tests.support.fakes.clock import MovableClock
from tests.support.settings import settings
from tests.unit.test_key_source import FakeKeySource


@asynccontextmanager
async def open_hanging_at_its_end(*, environ: Mapping[str, str]) -> AsyncIterator[FakeKeySource]:
    yield FakeKeySource()
    await asyncio.Event().wait()


@asynccontextmanager
async def open_exiting_at_its_end(*, environ: Mapping[str, str]) -> AsyncIterator[FakeKeySource]:
    yield FakeKeySource()
    raise SystemExit("tops3cret")


@pytest.mark.parametrize("create", [open_hanging_at_its_end, open_exiting_at_its_end])
async def test_a_source_that_cannot_be_closed_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, create: object
) -> None:
    factory = Factory(f"{__name__}:{create.__name__}")  # type: ignore[attr-defined]
    opened = opening.open_source_keys(factory, settings(), MovableClock(NOW))
    async with opened as keys:
        monkeypatch.setattr(opening, "KEY_LOAD_TIMEOUT", 0.05)

    assert len(keys.current()[KeyPurpose.PHONE_INDEX]) == 1
