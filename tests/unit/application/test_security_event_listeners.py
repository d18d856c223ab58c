"""Security events go to all who listen."""

from application.otp.events import LimitsReset
from application.security_events import SecurityEventListeners
from tests.support.builders import a_phone
from tests.support.fakes.security_events import FakeSecurityEvents


def test_security_events_are_passed_on_as_they_are() -> None:
    first, added = FakeSecurityEvents(), FakeSecurityEvents()
    listeners = SecurityEventListeners(first)
    listeners.add(added)
    event = LimitsReset(phone=a_phone())
    listeners.record(event)

    assert first.recorded == added.recorded == [event]
