"""Where codes are sent by WhatsApp, the price list needs a price of it."""

from pathlib import Path
from typing import Final

from tests.integration.entrypoints.commands.test_statistics_command import (
    PRICES,
    TWILIO,
    notes,
    with_prices,
)

WITH_WHATSAPP: Final = TWILIO | {"DIALTONE_WHATSAPP": "acme.whatsapp:open"}


def test_a_price_of_whatsapp_is_needed_and_shown(tmp_path: Path) -> None:
    without = with_prices(tmp_path, WITH_WHATSAPP).run("check-settings")
    assert "no country has a price of whatsapp, and codes are sent by WhatsApp" in without.stderr

    shown = notes(tmp_path, WITH_WHATSAPP, PRICES + "whatsapp = 2500\n")
    assert "Price of a message (whatsapp) to US: 0.0025 USD by acme.whatsapp:open." in shown
