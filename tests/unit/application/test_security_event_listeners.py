"""Security events go to all who listen."""

from application.ports.system import SecurityEventType
from application.security_events import SecurityEventListeners
from tests.support.builders import a_phone
from tests.support.fakes.security_events import FakeSecurityEvents


def test_security_events_are_passed_on_as_they_are() -> None:
    first, added = FakeSecurityEvents(), FakeSecurityEvents()
    listeners = SecurityEventListeners(first)
    listeners.add(added)
    listeners.emit(SecurityEventType.OTP_ACCEPTED, phone=a_phone())

    for events in (first, added):
        (event,) = events.emitted
        assert (event.type, event.phone) == (SecurityEventType.OTP_ACCEPTED, a_phone())
