"""Data of users from the backend of the app, over HTTP."""

from collections.abc import Sequence
from typing import Final

import msgspec
from litestar import Controller, get, put
from litestar.params import JSONBody

from application.features.app_data import SET_APP_DATA, SET_CLAIMS, ActForApp
from domain import errors
from domain.features.app_data import parse_app_data
from domain.identities.claims import parse_claims
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.administration.target import ACT_ERRORS, ReasonField
from entrypoints.http.errors.exceptions import InvalidUserId
from entrypoints.http.features.app_data.fields import AppDataField, ClaimsField
from entrypoints.http.requests.auth import (
    BEARER,
    AdministrationMiddleware,
    AuthenticationMiddleware,
)
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id
from entrypoints.http.requests.request import ApiRequest


class SetAppDataBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The data to keep with a user, instead of what was kept before."""

    app_data: AppDataField
    reason: ReasonField = None


class SetClaimsBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The claims of a user, instead of those from before."""

    claims: ClaimsField
    reason: ReasonField = None


class AppDataResponse(msgspec.Struct, kw_only=True):
    """What the backend keeps with a user."""

    app_data: AppDataField


class ClaimsResponse(msgspec.Struct, kw_only=True):
    """The claims of a user."""

    claims: ClaimsField


_READ_ERRORS: Final = (
    InvalidUserId,
    errors.Forbidden,
    errors.InsufficientScope,
    errors.PasskeyRequired,
    errors.UserNotFound,
)
_ACT_ERRORS: Final = (InvalidUserId, *ACT_ERRORS)


class OwnAppDataController(Controller):
    """What the backend of the app keeps with the user."""

    path = "/users/me/app-data"
    tags = ["Users"]
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @get(summary="Get the data of the app", response_description="The data.")
    async def get_my_app_data(
        self, request: ApiRequest, app_data: Injected[ActForApp]
    ) -> AppDataResponse:
        """Return what the backend of the app keeps with the user. Only the backend changes it."""
        stored = await app_data.stored_data.load(request.principal.identity.id)
        return AppDataResponse(app_data=stored)


class AppDataController(Controller):
    """What the backend of the app keeps with users."""

    path = "/admin/users"
    tags = ["Administration"]
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        f"/{{user_id:str}}/{SET_APP_DATA.name}",
        summary="Get the data of the app for a user",
        response_description="The data.",
        errors=_READ_ERRORS,
    )
    async def get_app_data(
        self, request: ApiRequest, app_data: Injected[ActForApp], user_id: IdParameter
    ) -> AppDataResponse:
        """Return what the backend keeps with a user.

        A service token needs the scope `users:data`.
        """
        query = parse_id(user_id, InvalidUserId())
        stored = await app_data.load_app_data(request.operator, query)
        return AppDataResponse(app_data=stored)

    @put(
        f"/{{user_id:str}}/{SET_APP_DATA.name}",
        summary="Set the data of the app for a user",
        response_description="The data as it is kept now.",
        act=SET_APP_DATA,
        errors=_ACT_ERRORS,
    )
    async def set_app_data(
        self,
        request: ApiRequest,
        app_data: Injected[ActForApp],
        user_id: IdParameter,
        data: JSONBody[SetAppDataBody],
    ) -> AppDataResponse:
        """Replace what the backend keeps with a user, as a whole. An empty object removes it.

        The user reads it, at `GET /users/me/app-data`. Of two requests at the same time the last
        one wins. No service token sets it for an administrator. {who}.
        """
        query = parse_id(user_id, InvalidUserId())
        with FieldErrors(data) as invalid:
            with invalid.of("app_data"):
                parsed = parse_app_data(query, data.app_data)
            with invalid.of("reason"):
                reason = request.operator.parse_reason(SET_APP_DATA, data.reason or "")
        await app_data.set_app_data(request.operator, query, parsed, reason)
        return AppDataResponse(app_data=data.app_data)

    @get(
        f"/{{user_id:str}}/{SET_CLAIMS.name}",
        summary="Get the claims of a user",
        response_description="The claims.",
        errors=_READ_ERRORS,
    )
    async def get_claims(
        self, request: ApiRequest, app_data: Injected[ActForApp], user_id: IdParameter
    ) -> ClaimsResponse:
        """Return the claims of a user. A service token needs the scope `users:data`."""
        query = parse_id(user_id, InvalidUserId())
        claims = await app_data.load_claims(request.operator, query)
        return ClaimsResponse(claims=claims)

    @put(
        f"/{{user_id:str}}/{SET_CLAIMS.name}",
        summary="Set the claims of a user",
        response_description="The claims as they are now.",
        act=SET_CLAIMS,
        errors=_ACT_ERRORS,
    )
    async def set_claims(
        self,
        request: ApiRequest,
        app_data: Injected[ActForApp],
        user_id: IdParameter,
        data: JSONBody[SetClaimsBody],
    ) -> ClaimsResponse:
        """Replace the claims of a user, as a whole. An empty object removes them.

        Short-lived access tokens have them in their claim `app`, from the next login or refresh on;
        a token that was issued before stays as it is until it expires. Everybody who holds a token
        reads them: the user too. No service token sets them for an administrator. {who}.
        """
        query = parse_id(user_id, InvalidUserId())
        with FieldErrors(data) as invalid:
            with invalid.of("claims"):
                parsed = parse_claims(data.claims)
            with invalid.of("reason"):
                reason = request.operator.parse_reason(SET_CLAIMS, data.reason or "")
        await app_data.set_claims(request.operator, query, parsed, reason)
        return ClaimsResponse(claims=data.claims)


class AppDataHttpAdditions(HttpAdditions):
    """The data of the app, which users read, and the claims of users."""

    controllers: Sequence[type[Controller]] = (OwnAppDataController,)
    administration: Sequence[type[Controller]] = (AppDataController,)
    methods = ("PUT",)
    use_cases = ("app_data",)
