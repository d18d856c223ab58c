"""The suites of messengers."""

from inspect import signature
from typing import Any, Final

from application.ports.otp import Messenger
from pytest_dialtone.port import Port


def is_messenger(adapter: Any) -> bool:
    """Return whether it has `send`, unless that takes one argument, as one for events does."""
    try:
        signature(adapter.send).bind("event")
    except AttributeError:
        return False
    except (TypeError, ValueError):
        return True
    return False


PORTS: Final = (Port("DIALTONE_SMS", Messenger, is_messenger, ("messages",)),)
