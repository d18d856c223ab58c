"""Where codes are sent by WhatsApp, the price list needs a price of it."""

from pathlib import Path
from typing import Final

from tests.integration.test_costs_command import PRICES, TWILIO, make_service

WITH_WHATSAPP: Final = TWILIO | {"DIALTONE_WHATSAPP": "acme.whatsapp:open"}


def test_a_price_of_whatsapp_is_needed_and_shown(tmp_path: Path) -> None:
    without = make_service(tmp_path, WITH_WHATSAPP).run("prices", "check")
    assert "no country has a price of whatsapp, and codes are sent by WhatsApp" in without.stderr

    prices = PRICES + "whatsapp = 2500\n"
    shown = make_service(tmp_path, WITH_WHATSAPP, prices).run("prices", "check").stdout
    assert "US       whatsapp  acme.whatsapp:open  message       0.002500 USD" in shown
    assert "whatsapp: 2 of 3 countries have no price." in shown
