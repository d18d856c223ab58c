"""The suites of key sources."""

from typing import Final

from application.ports.keys import KeySource
from pytest_dialtone.port import Port, has_method

PORTS: Final = (Port("DIALTONE_SECRETS", KeySource, has_method("load"), ("secrets",)),)
