"""The source of the servers that tests use."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.support.servers import environment
from tests.support.servers.errors import ServerUnavailable, SourceNotConfigured, SourceUnavailable
from tests.support.servers.sources import ADVICE, SOURCES, SOURCES_VARIABLE, open_first_available

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


NOT_CONFIGURED = failing(SourceNotConfigured("no URL is set"))


def sources(*openers: OpenServer) -> Mapping[str, OpenServer]:
    return dict(zip(SOURCES, openers, strict=True))


def test_a_configured_server_is_used() -> None:
    openers = sources(available("given"), available("container"), available("process"))
    with open_first_available(openers, {}) as selected:
        assert selected.server == "given"


def test_a_configured_server_that_fails_is_not_replaced() -> None:
    openers = sources(failing(ServerUnavailable("no connection")), available("c"), available("p"))
    with pytest.raises(ServerUnavailable, match="no connection"), open_first_available(openers, {}):
        pass


def test_containers_are_preferred_to_processes() -> None:
    with open_first_available(
        sources(NOT_CONFIGURED, available("container"), available("p")), {}
    ) as selected:
        assert (selected.server, selected.source) == ("container", "containers")


def test_without_containers_processes_are_used_and_the_reason_is_kept() -> None:
    openers = sources(NOT_CONFIGURED, failing(SourceUnavailable("no engine")), available("process"))
    with open_first_available(openers, {}) as selected:
        assert (selected.server, selected.source) == ("process", "packages")
        assert selected.errors == ("containers: no engine",)


def test_without_any_source_the_error_has_all_reasons_and_advice() -> None:
    openers = sources(
        NOT_CONFIGURED,
        failing(SourceUnavailable("no engine")),
        failing(SourceUnavailable("pip could not")),
    )
    with pytest.raises(ServerUnavailable) as error, open_first_available(openers, {}):
        pass
    assert "containers: no engine\npackages: pip could not" in str(error.value)
    assert ADVICE in str(error.value)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [("packages", "process"), ("containers", "container"), ("packages, containers", "process")],
)
def test_the_environment_can_select_sources(selection: str, expected: str) -> None:
    openers = sources(available("given"), available("container"), available("process"))
    with open_first_available(openers, {SOURCES_VARIABLE: selection}) as selected:
        assert selected.server == expected


def test_a_selected_source_that_fails_is_not_replaced() -> None:
    openers = sources(NOT_CONFIGURED, failing(SourceUnavailable("no engine")), available("process"))
    with (
        pytest.raises(ServerUnavailable, match="no engine"),
        open_first_available(openers, {SOURCES_VARIABLE: "containers"}),
    ):
        pass


def test_an_unknown_source_is_an_error_with_its_name() -> None:
    with (
        pytest.raises(ServerUnavailable, match=f"{SOURCES_VARIABLE} takes .*; not clouds"),
        open_first_available(
            sources(NOT_CONFIGURED, NOT_CONFIGURED, NOT_CONFIGURED), {SOURCES_VARIABLE: "clouds"}
        ),
    ):
        pass


def test_an_exception_of_a_test_is_not_an_error_of_the_source() -> None:
    openers = sources(available("given"), available("container"), available("process"))
    with pytest.raises(SourceUnavailable, match="mine"), open_first_available(openers, {}):
        raise SourceUnavailable("mine")


def test_an_endpoint_without_keys_is_an_error_with_the_missing_ones() -> None:
    environ = {environment.S3_ENDPOINT: "http://127.0.0.1:1", environment.S3_ACCESS_KEY: "key"}
    with pytest.raises(ServerUnavailable, match=environment.S3_SECRET_KEY), environment.s3(environ):
        pass


@pytest.mark.parametrize("source", [environment.mongo, environment.s3])
def test_an_empty_environment_configures_no_server(source: OpenServer) -> None:
    with pytest.raises(SourceNotConfigured), source({}):
        pass
