"""Sessions of the console, which a passkey opens; and the passkeys of the staff."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.params import JSONBody

from application.administration.operator import staff_member
from application.administration.use_cases import AdministrationUseCases
from application.administration.user_acts import UserAct
from application.features.passkeys.console_session import Browser, ConsoleSignedIn
from application.features.passkeys.feature import StaffPasskeysFeature
from application.features.passkeys.staff_passkeys import INVITE, NewPasskey
from application.identities.use_cases import IdentityUseCases
from application.principal import Principal
from domain import errors
from domain.administration.role_scopes import SCOPES_OF_ROLES
from domain.features import passkeys as rules
from domain.features.passkeys import MAX_NAME_LENGTH, TouchPurpose
from domain.identities.role import Role
from domain.identities.session import FRESH_LOGIN_PERIOD
from entrypoints.http.administration.target import TARGET_ERRORS, UserBody, parse_target
from entrypoints.http.administration.user_details import to_struct
from entrypoints.http.features.passkeys.fields import PasskeyResponse, to_responses
from entrypoints.http.features.passkeys.own_passkeys import (
    PasskeyIdParameter,
    PasskeyOptionsResponse,
)
from entrypoints.http.fields import UserIdField, described, format_timestamp, time_field
from entrypoints.http.requests.auth import (
    BEARER,
    ConsoleMiddleware,
    OptionalConsoleMiddleware,
    limit_by_ip,
)
from entrypoints.http.requests.console_cookie import make_console_cookie, read_console_cookie
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parsing import FieldErrors, parsing_field
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
    """What is to be confirmed with a passkey."""

    purpose: Annotated[
        str,
        described(
            "What the passkey confirms.",
            TouchPurpose.ADD_PASSKEY.value,
            enum=[purpose.value for purpose in TouchPurpose],
        ),
    ]


class NewPasskeyBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a passkey may be added: by a link, or in a session."""

    secret: Annotated[
        str | None,
        described(
            "What the link has behind #. Without it a session of the console is needed.",
            f"6561a2b0c3d4e5f60718293a.{'0a' * 32}",
        ),
    ] = None


class AddStaffPasskeyBody(NewPasskeyBody, forbid_unknown_fields=True, kw_only=True):
    """The passkey that the device made. In a session, another passkey confirms it."""

    credential: CredentialField
    name: Annotated[
        str,
        described("What its owner calls it: one line.", "laptop", maxLength=MAX_NAME_LENGTH),
    ]
    touch: TouchField = None


class RemoveStaffPasskeyBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The confirmation."""

    touch: TouchField = None


class NewPasskeyOptionsResponse(PasskeyOptionsResponse, kw_only=True):
    """What the browser is asked, and for whom the passkey is."""

    username: Annotated[
        str | None, described("Who gets the passkey; null before a username.", "Rahul Sharma")
    ]
    role: Annotated[str, described("The role of this person.", Role.SUPPORT.value)]


class InviteBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """The user, the reason and the confirmation."""

    touch: TouchField = None


class InvitedResponse(msgspec.Struct, kw_only=True):
    """The link was made. Whoever has it gets into the console."""

    message: Annotated[str, described("What was done.", "The link is valid once.")]
    link: Annotated[
        str,
        described(
            "The link. Hand it over in person, or by a channel that you trust.",
            f"https://dialtone.example.org/console#6561a2b0c3d4e5f60718293a.{'0a' * 32}",
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
    """What the page of the same version gets in addition. It is not part of the API.

    `page` changes with the page: one that is older loads itself again.
    """

    page: str
    acts: list[Act]


_DEPENDENCIES: Final = {
    "identities": provide(lambda use_cases: use_cases.identities),
    "administration": provide(lambda use_cases: use_cases.administration),
}
_TAGS: Final = ["Administration"]
_SESSION_ERRORS: Final = (errors.Forbidden, errors.PasskeyRequired)
_TOUCH_ERRORS: Final = (
    rules.TouchRequired,
    rules.PasskeyRejected,
    rules.SignCountFell,
    rules.ChallengeNotValid,
)


def _to_options(text: str) -> PasskeyOptionsResponse:
    return PasskeyOptionsResponse(public_key=msgspec.json.decode(text))


def _to_text(credential: dict[str, Any]) -> str:
    return msgspec.json.encode(credential).decode()


def _to_touch(touch: dict[str, Any] | None) -> str | None:
    return None if touch is None else _to_text(touch)


def _browser(request: ApiRequest) -> Browser:
    return Browser(
        device=request.device_name,
        cookie=read_console_cookie(request.scope, request.settings.server),
    )


def _signed_in(request: ApiRequest, signed_in: ConsoleSignedIn) -> Response[ConsoleTokenResponse]:
    tokens = signed_in.tokens
    return Response(
        ConsoleTokenResponse(access_token=tokens.access_token, expires_in=tokens.expires_in),
        cookies=[make_console_cookie(signed_in.cookie, request.settings.server)],
    )


class ConsoleSignInController(Controller):
    """The sign-in of the staff, and the session that sends the request."""

    path = "/admin/session"
    tags = _TAGS
    dependencies = _DEPENDENCIES

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
        return _to_options(staff.sign_in.start())

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
        return _signed_in(
            request,
            await staff.sign_in(_to_text(data.credential), data.replaces or "", _browser(request)),
        )

    @post(
        "/touch",
        summary="Begin to confirm with a passkey",
        response_description="What `navigator.credentials.get` gets.",
        status_code=200,
        middleware=[ConsoleMiddleware],
        security=BEARER,
        errors=_SESSION_ERRORS,
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
        return _to_options(staff.touch.start(request.principal, purpose))

    @get(
        summary="Show the session of the console",
        response_description="The session.",
        middleware=[ConsoleMiddleware],
        security=BEARER,
        errors=_SESSION_ERRORS,
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
        errors=_SESSION_ERRORS,
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


class NewStaffPasskeyController(Controller):
    """Add a passkey of the staff, in a session of the console or by the link of an operator."""

    path = "/admin/passkeys"
    tags = _TAGS
    dependencies = _DEPENDENCIES
    middleware = [OptionalConsoleMiddleware]
    security = [*BEARER, {}]

    @post(
        "/options",
        summary="Begin to add a passkey of the staff",
        response_description="What `navigator.credentials.create` gets, and for whom.",
        status_code=200,
        errors=[*_SESSION_ERRORS, rules.InvitationNotValid, rules.TooManyPasskeys],
    )
    async def start_staff_passkey(
        self,
        request: ApiRequest,
        staff: Injected[StaffPasskeysFeature],
        data: JSONBody[NewPasskeyBody],
    ) -> NewPasskeyOptionsResponse:
        """Return the options for a passkey, and whom it is for: a link ends nothing before."""
        proof = _find_proof(request, data.secret)
        if isinstance(proof, str):
            started = await staff.passkeys.start_by_link(proof)
        else:
            started = staff.passkeys.start_in_session(proof)
        identity = started.identity
        return NewPasskeyOptionsResponse(
            public_key=msgspec.json.decode(started.options),
            username=identity.username.text if identity.username else None,
            role=identity.staff.role.value,
        )

    @post(
        summary="Add a passkey of the staff",
        response_description="The passkey is added.",
        status_code=200,
        errors=[
            *_SESSION_ERRORS,
            rules.InvitationNotValid,
            *_TOUCH_ERRORS,
            rules.NewPasskeyRejected,
            rules.PasskeyExists,
            rules.TooManyPasskeys,
            rules.TooManyPasskeysAdded,
            errors.AuditFailed,
        ],
    )
    async def add_staff_passkey(
        self,
        request: ApiRequest,
        staff: Injected[StaffPasskeysFeature],
        data: JSONBody[AddStaffPasskeyBody],
    ) -> Response[ConsoleTokenResponse]:
        """Add the passkey that the device made, end all sessions of the console, and open one.

        It is in the audit before, and the number gets a message. At most ten are added in a day.
        """
        new = NewPasskey(_to_text(data.credential), data.name)
        proof = _find_proof(request, data.secret)
        with parsing_field("name"):
            if isinstance(proof, str):
                signed_in = await staff.passkeys.add_by_link(proof, new, _browser(request))
            else:
                touch = _to_touch(data.touch)
                signed_in = await staff.passkeys.add_in_session(
                    proof, touch, new, _browser(request)
                )
        return _signed_in(request, signed_in)


def _find_proof(request: ApiRequest, secret: str | None) -> Principal | str:
    """Return the secret of a link, or else who adds a passkey in a session.

    Raises:
        Unauthenticated, Forbidden, PasskeyRequired: There is neither.
    """
    if secret is not None:
        return secret
    found: Principal | errors.DomainError = request.scope["auth"]
    if isinstance(found, errors.DomainError):
        raise found
    return found


class StaffPasskeyController(Controller):
    """Remove one's own passkeys: only commands remove those of others."""

    path = "/admin/passkeys"
    tags = _TAGS
    dependencies = _DEPENDENCIES
    middleware = [ConsoleMiddleware]
    security = BEARER

    @delete(
        "/{passkey_id:str}",
        summary="Remove a passkey of the staff",
        response_description="The passkey is removed.",
        errors=[
            *_SESSION_ERRORS,
            *_TOUCH_ERRORS,
            rules.PasskeyNotFound,
            rules.LastPasskey,
            errors.AuditFailed,
        ],
    )
    async def remove_staff_passkey(
        self,
        request: ApiRequest,
        staff: Injected[StaffPasskeysFeature],
        passkey_id: PasskeyIdParameter,
        data: JSONBody[RemoveStaffPasskeyBody],
    ) -> None:
        """Remove one's own passkey. All sessions of the console end.

        It is in the audit before, and the number gets a message.
        """
        touch = _to_touch(data.touch)
        await staff.passkeys.remove(request.principal, passkey_id, touch)


class InvitationController(Controller):
    """Links that staff makes for lower roles. No service token makes one."""

    path = "/admin/users"
    tags = _TAGS
    dependencies = _DEPENDENCIES
    middleware = [ConsoleMiddleware]
    security = BEARER

    @post(
        f"/{INVITE.name}",
        summary="Let somebody of the staff add a passkey",
        response_description="The link.",
        status_code=200,
        act=INVITE,
        errors=[
            *TARGET_ERRORS,
            *_TOUCH_ERRORS,
            rules.NotStaff,
            rules.HasStaffPasskey,
            rules.TooManyPasskeys,
        ],
    )
    async def invite_to_console(
        self,
        request: ApiRequest,
        staff: Injected[StaffPasskeysFeature],
        data: JSONBody[InviteBody],
    ) -> InvitedResponse:
        """Make a link with which somebody of the staff adds the first passkey.

        It needs the scope `users:role`, which the role `administrator` has, and a touch. No service
        token makes one. It is valid once and for 15 minutes. Only a command makes one for whoever
        has a passkey, and for somebody of the same or a higher role.
        """
        target = parse_target(request, INVITE, data, staff_member(request.principal))
        with parsing_field(target.field):
            link = await staff.passkeys.invite_in_session(
                request.principal, _to_touch(data.touch), target.query, target.reason
            )
        return InvitedResponse(
            message="The link is valid once and for 15 minutes. Whoever has it gets in.", link=link
        )
