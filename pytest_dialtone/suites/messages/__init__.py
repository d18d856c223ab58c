"""The suites of messengers."""

from typing import Final

from application.ports.otp import Messenger
from pytest_dialtone.port import Port

PORTS: Final = (Port("messages", "DIALTONE_SMS", Messenger, ("messages",)),)
