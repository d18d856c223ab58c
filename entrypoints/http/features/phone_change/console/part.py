"""Changes of the number in the console."""

from pathlib import Path
from typing import Any, Final

from litestar import Response, get, post

from application.features.phone_change.change_phone_of_user import CHANGE_PHONE
from application.features.phone_change.feature import PhoneChangeFeature
from application.use_cases import UseCases
from domain.errors import CountryNotServed, PhoneInUse
from domain.phone import PhoneNumber, parse_phone
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.part import ActCall, ActPage, ConsolePart
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.features.console.user_acts import (
    USERS,
    find_user,
    has_account,
    run_act,
    show_confirmation,
)
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import parsing_field


def _parse_phone(request: ConsoleRequest, text: str) -> PhoneNumber:
    settings = request.settings.otp
    return parse_phone(text, settings.default_region, settings.phone_rules)


async def _change_phone(call: ActCall) -> str:
    phone = call.values["new_phone"]
    user = await call.use_cases.administration.find_user(call.query)
    if user.phone == phone:
        # A second click ends here.
        return "phone_changed_before"
    with parsing_field("new_phone"):
        changed = await call.use_cases.of(PhoneChangeFeature).change_phone_of_user(
            call.operator, call.query, phone, call.reason
        )
    # The cleanup tries the message again.
    is_notified = changed.require_identity().phone_change is None
    return "phone_changed" if is_notified else "phone_changed_unnoticed"


class PhoneChangeActController(ConsoleController):
    """A change of the number of a user."""

    path = USERS
    opt = {NEEDED_SCOPE: CHANGE_PHONE.scope}

    @get(f"/{{user_id:str}}/{CHANGE_PHONE.name}")
    async def confirm(
        self, request: ConsoleRequest, use_cases: Injected[UseCases], user_id: IdParameter
    ) -> Response[Any]:
        return await show_confirmation(request, use_cases, user_id)

    @post(f"/{{user_id:str}}/{CHANGE_PHONE.name}", status_code=200)
    async def change(
        self, request: ConsoleRequest, use_cases: Injected[UseCases], user_id: IdParameter
    ) -> Response[Any]:
        """Change it. The new number is in the form only, also where something is wrong with it."""
        return await run_act(request, use_cases, await find_user(use_cases, user_id))


PART: Final = ConsolePart(
    templates=Path(__file__).parent,
    controllers=(PhoneChangeActController,),
    done={
        "phone_changed": "The account has the new number. All sessions have ended.",
        "phone_changed_unnoticed": "The account has the new number. All sessions have ended. No"
        " provider took the message to the former number: the service tries it again for a day.",
        "phone_changed_before": "The account has this number already, so nothing was done now.",
    },
    act_pages=(
        ActPage(
            act=CHANGE_PHONE,
            title="Change the number",
            is_offered=has_account,
            run=_change_phone,
            parse={"new_phone": _parse_phone},
            text="phone_change/act_text.html",
            fields="phone_change/act_fields.html",
            errors={
                PhoneInUse: "The number was not changed. The new number has an account, or is"
                " blocked: search for it to see which.",
                CountryNotServed: "The number was not changed. The country of the new number is not"
                " served, so it would get no codes.",
            },
        ),
    ),
)
