"""The limits of calls have names."""

from domain.features.voice.instructions import CallLimits
from domain.otp.rate_limits import name_limit


def test_each_limit_of_calls_has_a_name() -> None:
    limits = CallLimits(lines=3)
    every = (*limits.for_call("ab"), *limits.for_line_operator_call("ab"))
    assert [(*name_limit(limit), limit.window.limit) for limit in every] == [
        ("per_phone", "", 10),
        ("inbound_total", "", 1_000),
        ("per_phone", "", 3),
        ("operator_total", "", 100),
        ("lines_total", "", 3),
    ]
    shared = [(*name_limit(limit), limit.window.limit) for limit in limits.shared_limits]
    assert [name for name in shared if name[1]] == [
        ("inbound_total", "anonymous", 200),
        ("operator_total", "anonymous", 20),
    ]
