"""The suites of messengers."""

from typing import Final

from application.ports.otp import Messenger
from tests.contract.suites.port import Port

PORTS: Final = (Port("messages", "DIALTONE_SMS", Messenger, ("messages",)),)
