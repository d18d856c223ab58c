"""The extension: DIALTONE_EXTENSIONS=acme_profile.extension:feature."""

from argparse import Namespace
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrypoints.extensions import (
    AllowLogin,
    CommandError,
    Extension,
    ExtensionCommand,
    ExtensionOpening,
    PendingLogin,
    RejectLogin,
    parse_yes_or_no,
    setting,
)

from .profiles import PROFILES, NoProfile, Profiles, describe

if TYPE_CHECKING:
    from entrypoints.extensions.http import ExtensionHttp


@dataclass(frozen=True, kw_only=True)
class ProfileSettings:
    """What the operator decides."""

    is_closed: bool = setting(
        "yes rejects logins of people who have no account yet.", parse_yes_or_no, default="no"
    )


class AcmeProfile(Extension):
    """A profile with three fields."""

    name = "acme_profile"
    api = 1
    settings = ProfileSettings
    kinds = (PROFILES,)
    data = ("profile",)

    @asynccontextmanager
    async def open(self, opening: ExtensionOpening) -> AsyncIterator[None]:
        """Add the use cases, and what an export and a deletion need."""
        records = opening.records_of(PROFILES)
        profiles = Profiles(records, opening.clock)
        opening.add_use_cases(profiles)
        opening.add_token_claims(profiles.claims)
        opening.on_user_deletion(records.delete)
        opening.add_export({"profile.json": "your profile"}, profiles.export)
        if opening.settings_of(ProfileSettings).is_closed:
            opening.add_session_check(_reject_new)
        yield

    def http(self) -> "ExtensionHttp":
        """Return the paths."""
        from .controller import HTTP

        return HTTP

    def commands(self) -> Sequence[ExtensionCommand]:
        """Return the command `dialtone x acme_profile show USER`."""
        return (
            ExtensionCommand(
                name="show",
                help="Show the profile of a user.",
                use_cases=Profiles,
                run=_show,
                takes_user=True,
            ),
        )


async def _reject_new(login: PendingLogin) -> AllowLogin | RejectLogin:
    return AllowLogin() if login.user_id else RejectLogin("This app is for people with an account.")


async def _show(profiles: Profiles, arguments: Namespace) -> Iterable[str]:
    try:
        profile = await profiles.show(arguments.user)
    except NoProfile:
        raise CommandError("This user has no profile.") from None
    return [f"{name}: {value}" for name, value in describe(profile).items() if value]


feature = AcmeProfile()
