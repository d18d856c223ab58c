"""The file descriptor limit."""

import resource

import pytest
from structlog.testing import capture_logs

from entrypoints.server.descriptors import MAX_CONNECTIONS, max_connections, raise_descriptor_limit


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The soft and the hard limit of a process."""
    values = [1024, 1024]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(values))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: values.__setitem__(slice(None), new))
    return values


@pytest.mark.parametrize("hard", [20_000, resource.RLIM_INFINITY])
def test_the_soft_limit_is_raised_as_far_as_needed(limits: list[int], hard: int) -> None:
    limits[1] = hard
    raise_descriptor_limit()
    assert MAX_CONNECTIONS < limits[0] < 20_000
    assert limits[1] == hard
    assert max_connections() == MAX_CONNECTIONS


@pytest.mark.parametrize(("hard", "connections"), [(4096, 3328), (1024, 512), (256, 128)])
def test_a_low_hard_limit_is_a_warning_that_says_what_to_do(
    limits: list[int], hard: int, connections: int
) -> None:
    limits[:] = [200, hard]
    with capture_logs() as logs:
        raise_descriptor_limit()
    assert limits == [hard, hard]
    assert max_connections() == connections
    (warning,) = logs
    assert warning["event"] == "descriptor_limit_low"
    assert str(connections) in warning["consequence"]
    assert "LimitNOFILE=" in warning["fix"]
