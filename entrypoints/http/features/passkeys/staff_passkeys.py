"""Passkeys of the staff: add one, remove one, and links to add the first."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, delete, post
from litestar.params import JSONBody

from application.administration.operator import staff_member
from application.features.passkeys.feature import StaffPasskeysFeature
from application.features.passkeys.staff_passkeys import INVITE, NewPasskey
from application.principal import Principal
from domain import errors
from domain.features import passkeys as rules
from domain.features.passkeys import MAX_NAME_LENGTH
from domain.identities.role import Role
from entrypoints.http.administration.target import TARGET_ERRORS, UserBody, parse_target
from entrypoints.http.features.passkeys.console_sessions import (
    DEPENDENCIES,
    SESSION_ERRORS,
    TAGS,
    TOUCH_ERRORS,
    ConsoleTokenResponse,
    CredentialField,
    TouchField,
    browser_of,
    to_token_response,
    to_touch,
)
from entrypoints.http.features.passkeys.own_passkeys import (
    PasskeyIdParameter,
    PasskeyOptionsResponse,
    to_text,
)
from entrypoints.http.fields import described
from entrypoints.http.requests.auth import (
    BEARER,
    ConsoleMiddleware,
    OptionalConsoleMiddleware,
)
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parsing import parsing_field
from entrypoints.http.requests.request import ApiRequest


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
    """The link was made. Anybody with it gets into the console."""

    message: Annotated[str, described("What was done.", "The link is valid once.")]
    link: Annotated[
        str,
        described(
            "The link. Hand it over in person, or by a channel that you trust.",
            f"https://dialtone.example.org/console#6561a2b0c3d4e5f60718293a.{'0a' * 32}",
        ),
    ]


class NewStaffPasskeyController(Controller):
    """Add a passkey of the staff, in a session of the console or by the link of an operator."""

    path = "/admin/passkeys"
    tags = TAGS
    dependencies = DEPENDENCIES
    middleware = [OptionalConsoleMiddleware]
    security = [*BEARER, {}]

    @post(
        "/options",
        summary="Begin to add a passkey of the staff",
        response_description="What `navigator.credentials.create` gets, and for whom.",
        status_code=200,
        errors=[*SESSION_ERRORS, rules.InvitationNotValid, rules.TooManyPasskeys],
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
            *SESSION_ERRORS,
            rules.InvitationNotValid,
            *TOUCH_ERRORS,
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
        new = NewPasskey(to_text(data.credential), data.name)
        proof = _find_proof(request, data.secret)
        with parsing_field("name"):
            if isinstance(proof, str):
                signed_in = await staff.passkeys.add_by_link(proof, new, browser_of(request))
            else:
                touch = to_touch(data.touch)
                signed_in = await staff.passkeys.add_in_session(
                    proof, touch, new, browser_of(request)
                )
        return to_token_response(request, signed_in)


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
    tags = TAGS
    dependencies = DEPENDENCIES
    middleware = [ConsoleMiddleware]
    security = BEARER

    @delete(
        "/{passkey_id:str}",
        summary="Remove a passkey of the staff",
        response_description="The passkey is removed.",
        errors=[
            *SESSION_ERRORS,
            *TOUCH_ERRORS,
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
        touch = to_touch(data.touch)
        await staff.passkeys.remove(request.principal, passkey_id, touch)


class InvitationController(Controller):
    """Links that staff makes for lower roles. No service token makes one."""

    path = "/admin/users"
    tags = TAGS
    dependencies = DEPENDENCIES
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
            *TOUCH_ERRORS,
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
        token makes one. It is valid once and for 15 minutes. Only a command makes one for staff who
        have a passkey, or whose role is the same or higher.
        """
        target = parse_target(request, INVITE, data, staff_member(request.principal))
        with parsing_field(target.field):
            link = await staff.passkeys.invite_in_session(
                request.principal, to_touch(data.touch), target.query, target.reason
            )
        return InvitedResponse(
            message="The link is valid once and for 15 minutes. Anybody with it gets in.", link=link
        )
