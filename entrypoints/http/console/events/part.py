"""Events of users in the console."""

from pathlib import Path
from typing import Final

from domain.administration.scope import Scope
from entrypoints.http.console.events.controller import EventPageController
from entrypoints.http.console.part import ConsolePart

PART: Final = ConsolePart(
    scope=Scope.READ_EVENTS,
    templates=Path(__file__).parent / "templates",
    controllers=(EventPageController,),
    navigation=((55, "Events", "/console/events", Scope.READ_EVENTS),),
    done={
        "events_retried": "A running service sends the events within 30 seconds, if the destination"
        " accepts them by then.",
        "events_retried_partly": "Many events are sent again, but not all: there are more than one"
        " request can reach. Send the form again, or run dialtone events retry.",
        "no_events": "No event waits or is kept, so nothing was done.",
    },
    user_link="events/user_link.html",
)
