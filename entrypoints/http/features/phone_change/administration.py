"""Changes of the phone number of a user by administrators."""

from typing import Final

from litestar import Controller, post
from litestar.params import JSONBody

from application.features.phone_change.acts import CHANGE_PHONE
from application.features.phone_change.change_phone_of_user import HAS_NUMBER
from application.features.phone_change.feature import PhoneChangeFeature
from domain import errors
from domain.phone import parse_phone
from entrypoints.http.core.administration.target import ACT_ERRORS
from entrypoints.http.errors.exceptions import FieldError, InvalidUserId
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.phone_change import schemas
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest

_PRESENT_NUMBER: Final = FieldError("phone", FieldErrorCode.CONFLICTING_VALUE, HAS_NUMBER)


class UserPhoneController(Controller):
    """Changes for users who lost their phone."""

    path = "/admin/users"
    tags = ["Administration"]
    dependencies = {"phone_change": provide(lambda use_cases: use_cases.of(PhoneChangeFeature))}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @post(
        f"/{{user_id:str}}/{CHANGE_PHONE.name}",
        summary="Give a user another phone number",
        response_description="The account has the new number.",
        status_code=200,
        act=CHANGE_PHONE,
        errors=[
            InvalidUserId,
            _PRESENT_NUMBER,
            *ACT_ERRORS,
            errors.CountryNotServed,
            errors.PhoneInUse,
        ],
    )
    async def change_user_phone(
        self,
        request: ApiRequest,
        phone_change: Injected[PhoneChangeFeature],
        user_id: IdParameter,
        data: JSONBody[schemas.ChangeUserPhoneBody],
    ) -> schemas.ChangeUserPhoneResponse:
        """Give a user who lost the phone another number. First check that it is the owner.

        - All sessions end, and a role: the owner signs in with the new number.
        - The former number gets a message, and is free: the next login with it opens an account.
        - An account whose number belongs to somebody else now gets a number again.
        - The number of an administrator is changed by a command only.
        - No service token changes a number, whatever its scopes: a 403 `forbidden`.
        - After a 503 that is not `audit_failed`, the change may have begun: then it is completed.
          Show the user before you repeat it.

        {who}.
        """
        query, settings = parse_id(user_id, InvalidUserId()), request.settings.otp
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
            with invalid.of("reason"):
                reason = request.operator.parse_reason(CHANGE_PHONE, data.reason)
        with parsing_field("phone"):
            user = await phone_change.change_phone_of_user(request.operator, query, phone, reason)
        return schemas.ChangeUserPhoneResponse(message="Phone number changed", subject=user.subject)
