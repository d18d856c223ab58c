"""The profile of the caller: `GET` and `PUT /x/acme_profile/profile`."""

from typing import Annotated

import msgspec
from litestar import Controller, get, put
from litestar.params import JSONBody

from entrypoints.extensions.http import (
    AuthenticationMiddleware,
    ErrorRow,
    ExtensionHttp,
    ExtensionRequest,
    FieldErrors,
    Injected,
    described,
    provide_use_cases,
)

from .profiles import NoProfile, ProfileRecord, Profiles

_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class ProfileBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A whole profile. A field that is missing is removed."""

    display_name: Annotated[
        str,
        described(
            "1 to 40 characters.",
            "Asha",
            min_length=1,
            max_length=40,
            messages={"min_length": "This is empty.", "max_length": "At most 40 characters."},
        ),
    ]
    city: Annotated[
        str | None,
        described(
            "At most 80 characters.",
            "Pune",
            max_length=80,
            messages={"max_length": "At most 80 characters."},
        ),
    ] = None
    birthday: Annotated[
        str | None,
        described(
            "A date.", "1990-04-01", pattern=_DATE, messages={"pattern": "Write it as 1990-04-01."}
        ),
    ] = None


class ProfileResponse(msgspec.Struct, kw_only=True):
    """A profile."""

    display_name: str
    city: str | None
    birthday: str | None
    updated_at: str


class ProfileController(Controller):
    """The profile of the caller."""

    path = "/x/acme_profile/profile"
    tags = ["Profiles"]
    middleware = [AuthenticationMiddleware]
    dependencies = {"profiles": provide_use_cases(Profiles)}

    @get(summary="Show the caller's profile", errors=[NoProfile])
    async def show(
        self, request: ExtensionRequest, profiles: Injected[Profiles]
    ) -> ProfileResponse:
        """Return the profile of the caller."""
        return to_response(await profiles.show(request.user_session.user_id))

    @put(summary="Write the caller's profile")
    async def write(
        self,
        request: ExtensionRequest,
        profiles: Injected[Profiles],
        data: JSONBody[ProfileBody],
    ) -> ProfileResponse:
        """Replace the profile of the caller."""
        with FieldErrors(data):
            pass  # the rules of the description are all that there are
        written = await profiles.write(
            request.user_session.user_id, data.display_name, data.city, data.birthday
        )
        return to_response(written)


def to_response(profile: ProfileRecord) -> ProfileResponse:
    """Return the response with a profile."""
    return ProfileResponse(
        display_name=profile.display_name,
        city=profile.city,
        birthday=profile.birthday,
        updated_at=profile.updated_at,
    )


HTTP = ExtensionHttp(
    controllers=[ProfileController],
    errors={
        NoProfile: ErrorRow(404, "acme_profile_not_found", "You have not written a profile yet.")
    },
)
