"""The source of the servers that tests use."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.support.servers.errors import ServerUnavailable, SourceNotConfigured, SourceUnavailable
from tests.support.servers.sources import SOURCES, SOURCES_VARIABLE, open_first_available

OpenServer = Callable[[Mapping[str, str]], AbstractContextManager[str]]


def available(server: str) -> OpenServer:
    @contextmanager
    def opened(_: Mapping[str, str]) -> Iterator[str]:
        yield server

    return opened


def failing(error: ServerUnavailable) -> OpenServer:
    def opened(_: Mapping[str, str]) -> AbstractContextManager[str]:
        raise error

    return opened


UNSET = failing(SourceNotConfigured("no URL is set"))
BROKEN = failing(SourceUnavailable("no engine"))
GIVEN, CONTAINER, PROCESS = map(available, ("given", "container", "process"))


@pytest.mark.parametrize(
    ("openers", "selection", "expected"),
    [
        ((GIVEN, CONTAINER, PROCESS), "", "given"),
        ((UNSET, CONTAINER, PROCESS), "", "container"),
        ((UNSET, BROKEN, PROCESS), "", "process"),
        ((GIVEN, CONTAINER, PROCESS), "packages", "process"),
        ((GIVEN, CONTAINER, PROCESS), "containers", "container"),
    ],
)
def test_the_first_available_or_the_selected_source_is_used(
    openers: Sequence[OpenServer], selection: str, expected: str
) -> None:
    sources = dict(zip(SOURCES, openers, strict=True))
    environ = {SOURCES_VARIABLE: selection} if selection else {}
    with open_first_available(sources, environ) as selected:
        assert selected.server == expected


@pytest.mark.parametrize(
    ("openers", "selection", "message"),
    [
        ((failing(ServerUnavailable("no connection")), CONTAINER, PROCESS), "", "no connection"),
        ((UNSET, BROKEN, PROCESS), "containers", "no engine"),
        ((UNSET, BROKEN, BROKEN), "", "packages: no engine"),
        ((GIVEN, CONTAINER, PROCESS), "clouds", "not clouds"),
    ],
)
def test_a_configured_or_selected_source_that_fails_is_not_replaced(
    openers: Sequence[OpenServer], selection: str, message: str
) -> None:
    sources = dict(zip(SOURCES, openers, strict=True))
    environ = {SOURCES_VARIABLE: selection} if selection else {}
    with (
        pytest.raises(ServerUnavailable, match=message),
        open_first_available(sources, environ),
    ):
        pass
