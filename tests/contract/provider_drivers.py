"""Drivers whose provider is a server of this process, and the choice of drivers for a test."""

from typing import Final

import pytest

from adapters.shared.http import Transport
from tests.contract.suites.provider_driver import ProviderDriver
from tests.support.servers.http_server import (
    Behavior,
    HttpServer,
    close_connection,
    never_respond,
    respond_with,
)
from tests.support.timeouts import LONG

_UNTIL_GIVEN_UP: Final = 0.5
"""Seconds for an answer that never comes. All others have longer, on a machine that stalls."""


class ServerDriver(ProviderDriver):
    """A provider that is a server of this process, and the transport that asks it.

    `refusal` is how it refuses the account.
    """

    refusal: Behavior

    def __init__(self, server: HttpServer, transport: Transport) -> None:
        self.server = server
        self._usual_behavior = server.behavior
        self._http = transport._http
        self._is_listening = True

    async def provider_is(self, state: str) -> None:
        match state:
            case "away":
                self.server.stop_listening()
                self._is_listening = False
            case "silent":
                self.server.behavior = never_respond
                self._http.timeout = _UNTIL_GIVEN_UP
            case "drops":
                self.server.behavior = close_connection
                self.server.close_connections()
            case "refuses":
                self.server.behavior = self.refusal
            case "well":
                if not self._is_listening:
                    self.server.listen()
                    self._is_listening = True
                self.server.behavior = self._usual_behavior
                self._http.timeout = LONG.read

    async def fail_provider(self, status: int) -> None:
        self.server.behavior = respond_with(status)


def only_with(fixture: str, *drivers: object) -> pytest.MarkDecorator:
    """Run a test with these drivers of a fixture only. The others lack what it is about."""
    return pytest.mark.parametrize(
        fixture, drivers, indirect=True, ids=lambda open_driver: open_driver.__name__
    )
