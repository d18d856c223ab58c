"""Events of a user in words, for `dialtone` and the web console."""

from collections.abc import Sequence

from application.administration.show_user import UserDetails
from application.events.details import EventDetails
from entrypoints.words.user_rows import UserRow, UserRowPlace


def event_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return how many events a destination has not accepted; none if there are none."""
    events = details.parts.find(EventDetails)
    if events is None:
        return ()
    parts = [
        f"{events.waiting} not sent yet" if events.waiting else "",
        f"{events.failed} kept after three days" if events.failed else "",
    ]
    described = ", ".join(filter(None, parts))
    if not described:
        return ()
    command = "dialtone events retry" if events.failed else ""
    return [UserRow(place=UserRowPlace.SESSIONS, label="events", value=described, command=command)]
