"""The suites of key sources."""

from typing import Final

from application.ports.keys import KeySource
from pytest_dialtone.port import Port

PORTS: Final = (Port("secrets", "DIALTONE_SECRETS", KeySource, ("secrets",)),)
