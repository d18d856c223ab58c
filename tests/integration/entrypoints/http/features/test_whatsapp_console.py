"""Messages by WhatsApp in the terminal."""

import sys
from pathlib import Path

import pytest

from entrypoints.features.whatsapp import WHATSAPP_PROVIDERS
from tests.support.builders import a_message, a_phone


async def test_the_terminal_says_that_a_message_goes_by_whatsapp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (console,) = [provider for provider in WHATSAPP_PROVIDERS if provider.prints_codes]
    file = tmp_path / "printed"
    with file.open("w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        async with console.open_messenger(None) as messenger:
            await messenger.send(a_phone(), a_message("012345 is your code."))
    assert f"To: {a_phone().e164} (WhatsApp) " in file.read_text("utf-8")
