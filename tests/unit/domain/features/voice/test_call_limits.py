"""The limits of calls have names."""

from domain.features.voice.call_limits import CallLimits
from domain.otp.rate_limits import name_limit
from tests.support.builders import NOW


def test_the_limit_of_all_inbound_calls_has_a_name() -> None:
    limit = CallLimits().reserve_inbound_call(NOW, None, is_verified=False).all_limits[1]
    assert name_limit(limit) == ("inbound_total", "everybody")
