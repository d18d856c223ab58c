"""Which source serves tests that need a real server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.support.servers import environment
from tests.support.servers.choice import ADVICE, CHOICE, SOURCES, first_that_serves
from tests.support.servers.refusals import NoServer, NotAskedFor, Unavailable

Open = Callable[[Mapping[str, str]], AbstractContextManager[str]]


def serving(server: str) -> Open:
    @contextmanager
    def opened(_: Mapping[str, str]) -> Iterator[str]:
        yield server

    return opened


def refusing(refusal: NoServer) -> Open:
    def opened(_: Mapping[str, str]) -> AbstractContextManager[str]:
        raise refusal

    return opened


UNNAMED = refusing(NotAskedFor("no address is given"))


def sources(*openers: Open) -> Mapping[str, Open]:
    return dict(zip(SOURCES, openers, strict=True))


def test_an_address_that_is_given_is_used() -> None:
    openers = sources(serving("given"), serving("container"), serving("process"))
    with first_that_serves(openers, {}) as served:
        assert served.server == "given"


def test_an_address_that_does_not_serve_is_not_passed_over() -> None:
    openers = sources(refusing(NoServer("nobody there")), serving("c"), serving("p"))
    with pytest.raises(NoServer, match="nobody there"), first_that_serves(openers, {}):
        pass


def test_containers_are_preferred_to_processes() -> None:
    with first_that_serves(sources(UNNAMED, serving("container"), serving("p")), {}) as served:
        assert (served.server, served.source) == ("container", "containers")


def test_processes_serve_where_no_container_can_and_the_reason_is_told() -> None:
    openers = sources(UNNAMED, refusing(Unavailable("no engine")), serving("process"))
    with first_that_serves(openers, {}) as served:
        assert (served.server, served.source) == ("process", "packages")
        assert served.refusals == ("containers: no engine",)


def test_where_nothing_serves_the_run_is_told_every_reason_and_what_to_do() -> None:
    openers = sources(
        UNNAMED, refusing(Unavailable("no engine")), refusing(Unavailable("pip could not"))
    )
    with pytest.raises(NoServer) as refusal, first_that_serves(openers, {}):
        pass
    assert "containers: no engine\npackages: pip could not" in str(refusal.value)
    assert ADVICE in str(refusal.value)


@pytest.mark.parametrize(
    ("named", "expected"),
    [("packages", "process"), ("containers", "container"), ("packages, containers", "process")],
)
def test_the_environment_may_pick_sources(named: str, expected: str) -> None:
    openers = sources(serving("given"), serving("container"), serving("process"))
    with first_that_serves(openers, {CHOICE: named}) as served:
        assert served.server == expected


def test_a_picked_source_that_cannot_serve_is_not_replaced() -> None:
    openers = sources(UNNAMED, refusing(Unavailable("no engine")), serving("process"))
    with (
        pytest.raises(NoServer, match="no engine"),
        first_that_serves(openers, {CHOICE: "containers"}),
    ):
        pass


def test_a_source_that_is_none_is_refused_by_name() -> None:
    with (
        pytest.raises(NoServer, match=f"{CHOICE} takes .*; not clouds"),
        first_that_serves(sources(UNNAMED, UNNAMED, UNNAMED), {CHOICE: "clouds"}),
    ):
        pass


def test_what_a_test_raises_is_not_taken_for_a_refusal() -> None:
    openers = sources(serving("given"), serving("container"), serving("process"))
    with pytest.raises(Unavailable, match="mine"), first_that_serves(openers, {}):
        raise Unavailable("mine")


def test_an_endpoint_without_keys_is_told_which_are_missing() -> None:
    environ = {environment.S3_ENDPOINT: "http://127.0.0.1:1", environment.S3_ACCESS_KEY: "key"}
    with pytest.raises(NoServer, match=environment.S3_SECRET_KEY), environment.s3(environ):
        pass


@pytest.mark.parametrize("source", [environment.mongo, environment.s3])
def test_an_empty_environment_asks_for_nothing(source: Open) -> None:
    with pytest.raises(NotAskedFor), source({}):
        pass
