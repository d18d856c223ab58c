"""The events that a destination has not accepted, and a form that lets them be sent again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.response import Redirect, Template

from application.events.acts import RETRY
from application.events.feature import EventRecordsFeature
from application.events.operator_events import OperatorEvents, WaitingEvent
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.errors import InvalidIdentifier, InvalidValue, UserNotFound
from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.forms import read_form
from entrypoints.http.console.middleware import NEEDED_SCOPE
from entrypoints.http.console.render import render, see_other
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.parsing import parse_id
from entrypoints.words.act_words import NO_ACCOUNT
from entrypoints.words.user_text import find_one_user

_EVENTS: Final = "/console/events"
_LIMITS: Final = (50, 200, 1_000)
"""How many events a page has, and how many more: a list that is longer is one for the command."""
_RETRY_SECONDS: Final = 10.0
"""A response comes before a proxy gives up; a second request goes on where this one ended."""


class EventPageController(ConsoleController):
    """What `dialtone events` lists and sends again.

    A snapshot of all users takes hours, so only the command sends one.
    """

    path = _EVENTS
    opt = {NEEDED_SCOPE: Scope.READ_EVENTS}
    dependencies = {
        **ConsoleController.dependencies,
        "events": provide(lambda use_cases: use_cases.of(EventRecordsFeature)),
    }

    @get("/")
    async def list_events(
        self, request: ConsoleRequest, events: Injected[EventRecordsFeature]
    ) -> Template:
        """Return the page: those of all users, or of one; all, or those that are kept."""
        query = request.query_params
        user_id = parse_id(query["user"], UserNotFound()) if "user" in query else None
        text = query.get("limit", "")
        limit = int(text) if text in map(str, _LIMITS) else _LIMITS[0]
        is_failed = query.get("failed") == "yes"
        found = await _find_events(events.operator_events, user_id, limit, is_failed=is_failed)
        more = next((each for each in _LIMITS if each > limit), None)
        return _render_list(
            request,
            events,
            is_failed=is_failed,
            user_id=user_id or "",
            found=found[:limit],
            limit=limit,
            has_more=len(found) > limit,
            more_url=_address(user_id, is_failed=is_failed, limit=more) if more else "",
        )

    @post("/", status_code=200)
    async def choose_user(
        self,
        request: ConsoleRequest,
        use_cases: Injected[UseCases],
        events: Injected[EventRecordsFeature],
    ) -> Response[str] | Redirect | Template:
        """Lead to the events of a user. A form: what is typed may be a phone number."""
        form = await read_form(request)
        text, is_failed = form["user"], form["failed"] == "yes"
        try:
            user_id = await _find_user_id(request, use_cases, text) if text else None
        except InvalidValue as error:
            return _render_list(
                request, events, 400, is_failed=is_failed, user=text, error=error.message
            )
        return see_other(_address(user_id, is_failed=is_failed))

    @get("/retry")
    async def confirm_retry(
        self, request: ConsoleRequest, events: Injected[EventRecordsFeature]
    ) -> Template:
        """Return the page that asks whether to send events again."""
        request.caller.check_act(RETRY)
        query = request.query_params
        user_id = parse_id(query["user"], UserNotFound()) if "user" in query else ""
        if user_id:
            await events.operator_events.list_of(user_id)  # it exists
        return _render_retry(request, user_id)

    @post("/retry", status_code=200)
    async def retry(
        self, request: ConsoleRequest, events: Injected[EventRecordsFeature]
    ) -> Redirect | Template:
        """Let events be sent again. A second click finds that they are due already."""
        form = await read_form(request)
        user_id = parse_id(form["user"], UserNotFound()) if form["user"] else None
        try:
            reason = request.caller.parse_reason(RETRY, form["reason"])
        except InvalidValue as error:
            message = request.errors.message(error)
            return _render_retry(request, user_id or "", 400, reason=form["reason"], error=message)
        retried = await events.operator_events.retry_for(
            request.caller, user_id, reason, _RETRY_SECONDS
        )
        if not retried.is_complete:
            done = "events_retried_partly"
        else:
            done = "events_retried" if retried.events else "no_events"
        return see_other(_EVENTS, done, **({"user": user_id} if user_id else {}))


async def _find_events(
    operator_events: OperatorEvents, user_id: str | None, limit: int, *, is_failed: bool
) -> Sequence[WaitingEvent]:
    """Return events as the command lists them; one more than the limit says that there are more."""
    if user_id is not None:
        listed = await operator_events.list_of(user_id)
        return [event for event in listed if not is_failed or event.next_attempt_at is None]
    failed = await operator_events.list_failed(limit + 1)
    waiting = () if is_failed else await operator_events.list_waiting(limit + 1)
    return [*failed, *waiting]


async def _find_user_id(request: ConsoleRequest, use_cases: UseCases, text: str) -> str:
    """Return the id of the user that a text means.

    Raises:
        InvalidValue: It is no user, or may mean several.
    """
    region = request.settings.otp.default_region
    user = await find_one_user(use_cases.administration.find_user, text, region)
    if user.identity is None:
        raise InvalidIdentifier(NO_ACCOUNT)
    return user.identity.id


def _address(user_id: str | None, *, is_failed: bool, limit: int | None = None) -> str:
    query = {
        "user": user_id,
        "failed": "yes" if is_failed else None,
        "limit": str(limit) if limit else None,
    }
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{_EVENTS}?{text}" if text else _EVENTS


def _render_list(
    request: ConsoleRequest,
    events: EventRecordsFeature,
    status_code: int = 200,
    *,
    is_failed: bool,
    user_id: str = "",
    **context: object,
) -> Template:
    shared = {
        "labels": events.labels,
        "is_failed": is_failed,
        "user_id": user_id,
        "all_url": _address(user_id, is_failed=False),
        "failed_url": _address(user_id, is_failed=True),
        "user": user_id,
        "error": "",
        "found": (),
        "has_more": False,
        "is_due": _is_due,
    }
    return render(request, "events/list.html", status_code=status_code, **(shared | context))


def _is_due(event: WaitingEvent, now: datetime) -> bool:
    return event.next_attempt_at is not None and event.next_attempt_at <= now


def _render_retry(
    request: ConsoleRequest,
    user_id: str,
    status_code: int = 200,
    *,
    reason: str = "",
    error: str = "",
) -> Template:
    return render(
        request,
        "events/retry.html",
        status_code=status_code,
        user_id=user_id,
        reason=reason,
        error=error,
    )
