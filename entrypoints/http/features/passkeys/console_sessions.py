"""Sessions of the console, which a passkey opens, and touches in them."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.params import JSONBody

from application.administration.operator import staff_member
from application.administration.use_cases import AdministrationUseCases
from application.administration.user_acts import UserAct
from application.features.passkeys.console_session import Browser, ConsoleSignedIn
from application.features.passkeys.feature import StaffPasskeysFeature
from application.identities.use_cases import IdentityUseCases
from domain import errors
from domain.administration.scopes import SCOPES_OF_ROLES
from domain.features import passkeys as rules
from domain.features.passkeys import TouchPurpose
from domain.identities.role import Role
from domain.identities.session import FRESH_LOGIN_PERIOD
from entrypoints.http.administration.user_details import to_struct
from entrypoints.http.features.passkeys.fields import PasskeyResponse, to_responses
from entrypoints.http.features.passkeys.own_passkeys import (
    PasskeyOptionsResponse,
    to_options,
    to_text,
)
from entrypoints.http.fields import UserIdField, described, format_timestamp, time_field
from entrypoints.http.requests.auth import (
    BEARER,
    ConsoleMiddleware,
    limit_by_ip,
)
from entrypoints.http.requests.console_cookie import make_console_cookie, read_console_cookie
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.http.requests.request import ApiRequest

CredentialField = Annotated[
    dict[str, Any],
    described("`toJSON()` of the credential of WebAuthn.", {"id": "AAECAw", "type": "public-key"}),
]


TouchField = Annotated[
    dict[str, Any] | None,
    described(
        "The answer of a passkey of the staff to the options of `POST /admin/session/touch`. It is"
        " used once.",
        {"id": "AAECAw", "type": "public-key"},
    ),
]


class ConsoleSignInBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the passkey answered."""

    credential: CredentialField
    replaces: Annotated[
        str | None,
        described(
            "The token that the page has. Its session ends at the same time, if it is of this"
            " browser.",
            "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl",
        ),
    ] = None


class ConsoleTokenResponse(msgspec.Struct, kw_only=True):
    """The token of a session of the console. Only the browser with its cookie can use it."""

    access_token: Annotated[
        str,
        described("For the paths below `/admin/` only.", "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"),
    ]
    expires_in: Annotated[int, described("Seconds until it ends at the latest.", 3600)]


class TouchBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The request that a passkey is to confirm."""

    purpose: Annotated[
        str,
        described(
            "What the passkey confirms.",
            TouchPurpose.ADD_PASSKEY.value,
            enum=[purpose.value for purpose in TouchPurpose],
        ),
    ]


class ConsoleSessionResponse(msgspec.Struct, kw_only=True):
    """Who is signed in, and what this person may do."""

    user_id: UserIdField
    username: Annotated[str | None, described("Null before one was chosen.", "Rahul Sharma")]
    role: Annotated[str, described("The role.", Role.SUPPORT.value)]
    scopes: Annotated[list[str], described("What the role may do.", ["users:read"])]
    fresh_until: Annotated[str, time_field("Until when what is final is possible, in UTC.")]
    ends_at: Annotated[str, time_field("When it ends at the latest, in UTC.")]
    passkeys: Annotated[list[PasskeyResponse], described("The own passkeys for the console.")]


class ActField(msgspec.Struct, kw_only=True):
    """What an act needs beside the user and the reason."""

    name: str
    label: str
    explains: str
    default: str
    choices: list[str]


class Act(msgspec.Struct, kw_only=True):
    """An act for a user: what its form shows, and the path that it is sent to."""

    name: str
    path: str
    title: str
    explains: str
    fields: list[ActField]
    is_final: bool
    needs_fresh_login: bool


class ConsolePageSession(ConsoleSessionResponse, kw_only=True):
    """Additional fields for the page of the same version. They are not part of the API.

    `page` changes with the page: one that is older loads itself again.
    """

    page: str
    acts: list[Act]


DEPENDENCIES: Final = {
    "identities": provide(lambda use_cases: use_cases.identities),
    "administration": provide(lambda use_cases: use_cases.administration),
}


TAGS: Final = ["Administration"]


SESSION_ERRORS: Final = (errors.Forbidden, errors.PasskeyRequired)


TOUCH_ERRORS: Final = (
    rules.TouchRequired,
    rules.PasskeyRejected,
    rules.SignCountFell,
    rules.ChallengeNotValid,
)


def to_touch(touch: dict[str, Any] | None) -> str | None:
    """Make the text of a touch, if the body has one."""
    return None if touch is None else to_text(touch)


def browser_of(request: ApiRequest) -> Browser:
    """Return the browser that sends a request: its name and its cookie."""
    return Browser(
        device=request.device_name,
        cookie=read_console_cookie(request.scope, request.settings.server),
    )


def to_token_response(
    request: ApiRequest, signed_in: ConsoleSignedIn
) -> Response[ConsoleTokenResponse]:
    """Make the response with the token of a new session, and its cookie."""
    tokens = signed_in.tokens
    return Response(
        ConsoleTokenResponse(access_token=tokens.access_token, expires_in=tokens.expires_in),
        cookies=[make_console_cookie(signed_in.cookie, request.settings.server)],
    )


class ConsoleSignInController(Controller):
    """The sign-in of the staff, and the session that sends the request."""

    path = "/admin/session"
    tags = TAGS
    dependencies = DEPENDENCIES

    @post(
        "/options",
        summary="Begin to sign in to the console",
        response_description="What `navigator.credentials.get` gets.",
        status_code=200,
        guards=[limit_by_ip],
    )
    async def start_console_sign_in(
        self, staff: Injected[StaffPasskeysFeature]
    ) -> PasskeyOptionsResponse:
        """Return the options for any passkey of the staff. They are valid for five minutes."""
        return to_options(staff.sign_in.start())

    @post(
        summary="Sign in to the console",
        response_description="The passkey was right.",
        status_code=200,
        guards=[limit_by_ip],
        errors=[rules.PasskeyRejected, rules.SignCountFell, rules.ChallengeNotValid],
    )
    async def sign_in_to_console(
        self,
        request: ApiRequest,
        staff: Injected[StaffPasskeysFeature],
        data: JSONBody[ConsoleSignInBody],
    ) -> Response[ConsoleTokenResponse]:
        """Exchange the answer of a passkey of the staff for the token of a session.

        The browser asks for it on a page of the service. The token is bound to a cookie that the
        response sets: a request needs both. The session ends 15 minutes after its last use, and
        after an hour.
        """
        return to_token_response(
            request,
            await staff.sign_in(to_text(data.credential), data.replaces or "", browser_of(request)),
        )

    @post(
        "/touch",
        summary="Begin to confirm with a passkey",
        response_description="What `navigator.credentials.get` gets.",
        status_code=200,
        middleware=[ConsoleMiddleware],
        security=BEARER,
        errors=SESSION_ERRORS,
    )
    async def start_touch(
        self,
        request: ApiRequest,
        staff: Injected[StaffPasskeysFeature],
        data: JSONBody[TouchBody],
    ) -> PasskeyOptionsResponse:
        """Return the options for an answer that the next request has in its field `touch`.

        They are valid for five minutes, in this session and for this purpose only.
        """
        with FieldErrors(data) as invalid, invalid.of("purpose"):
            purpose = _parse_purpose(data.purpose)
        return to_options(staff.touch.start(request.principal, purpose))

    @get(
        summary="Show the session of the console",
        response_description="The session.",
        middleware=[ConsoleMiddleware],
        security=BEARER,
        errors=SESSION_ERRORS,
    )
    async def show_console_session(
        self, request: ApiRequest, administration: Injected[AdministrationUseCases]
    ) -> ConsoleSessionResponse:
        """Return who is signed in, and what the role may do."""
        identity, session = request.principal.identity, request.principal.session
        operator = staff_member(request.principal)
        return ConsolePageSession(
            user_id=identity.id,
            username=identity.username.text if identity.username else None,
            role=identity.staff.role.value,
            scopes=sorted(SCOPES_OF_ROLES[identity.staff.role]),
            fresh_until=format_timestamp(session.created_at + FRESH_LOGIN_PERIOD),
            ends_at=format_timestamp(session.expires_at),
            passkeys=to_responses(identity.staff_passkeys),
            page=request.app.state.get("console_page", ""),
            acts=[
                _to_act(each)
                for each in administration.user_acts
                if each.act.scope is not None and operator.has_scope(each.act.scope)
            ],
        )

    @delete(
        summary="Sign out of the console",
        response_description="The session has ended.",
        middleware=[ConsoleMiddleware],
        security=BEARER,
        errors=SESSION_ERRORS,
    )
    async def sign_out_of_console(
        self, request: ApiRequest, identities: Injected[IdentityUseCases]
    ) -> None:
        """End the session. The cookie stays: the browser may have other sessions with it."""
        await identities.logout(request.principal)


def _parse_purpose(text: str) -> TouchPurpose:
    try:
        return TouchPurpose(text)
    except ValueError:
        raise errors.UnsupportedValue(f"Send one of these: {', '.join(TouchPurpose)}.") from None


def _to_act(row: UserAct) -> Act:
    return Act(
        name=row.name,
        path=f"/admin/users/{row.name}",
        title=row.title,
        explains=row.explains,
        fields=[to_struct(field, ActField) for field in row.fields],
        is_final=row.is_final,
        needs_fresh_login=row.act.needs_fresh_login,
    )
