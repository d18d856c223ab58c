"""Build the use cases of passkeys, and what is shown and exported of them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from application.additions import Additions
from application.administration.export_files import ExportFile, MissingFiles, json_file
from application.features.passkeys.check_answer import (
    Challenges,
    RelyingParty,
    VerifyNewPasskey,
    VerifyPasskey,
)
from application.features.passkeys.console_session import OpenConsoleSession, SignInAtConsole
from application.features.passkeys.notices import PasskeyNotices
from application.features.passkeys.own_passkeys import OwnPasskeys
from application.features.passkeys.remove import RemovePasskeysOfUser
from application.features.passkeys.sign_in import SignInByPasskey
from application.features.passkeys.staff_passkeys import StaffPasskeys
from application.features.passkeys.touch import Touch
from application.operations.cleanup import expire
from application.ports.versioned import ExpiringRecords
from application.require import require
from application.use_cases import UseCases
from domain.features.passkeys import UsedPasskeyChallenge
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.otp.sliding_window import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class ExportPasskeys:
    """The passkeys of a user, and those for the console, without their keys."""

    explained_files: ClassVar[Mapping[str, str]] = {
        "passkeys.json": "your passkeys: names, and when you added and used them",
    }

    async def check(self, identity: Identity) -> None:
        pass

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        del missing
        yield json_file("passkeys.json", _describe(identity.passkeys), now)


def _describe(passkeys: Sequence[Passkey]) -> Sequence[Mapping[str, Any]]:
    names = ("id", "name", "created_at", "last_used_at", "sign_count", "is_staff")
    return [{name: getattr(passkey, name) for name in names} for passkey in passkeys]


def clean_up_passkeys(used_challenges: ExpiringRecords[UsedPasskeyChallenge]) -> Additions:
    """Return what the core exports and cleans up."""
    steps = {"expired_passkey_challenges": expire(used_challenges, CLOCK_SKEW)}
    return Additions(exported=(ExportPasskeys(),), cleanup_steps=steps)


def needs_passkey(identity: Identity, *, are_required: bool) -> bool:
    """Return whether an identity has rights of staff only in a session of the console.

    `are_required` is whether all staff needs a passkey.
    """
    return identity.is_staff and (are_required or identity.staff.needs_passkey)


class PasskeysFeature:
    """What users and staff share: challenges, and the check of an answer; and what commands do."""

    def __init__(
        self, core: UseCases, used_challenges: ExpiringRecords[UsedPasskeyChallenge]
    ) -> None:
        system, identities = core.system, core.repositories.identities
        self.challenges = Challenges(
            used_challenges,
            core.identities.sessions.refresh_keys,
            system.clock,
            system.randomness,
        )
        self.verify = VerifyPasskey(
            challenges=self.challenges, identities=identities, events=system.events
        )
        self.verify_new = VerifyNewPasskey(
            challenges=self.challenges, clock=system.clock, events=system.events
        )
        self.notices = PasskeyNotices(
            send_notice=core.otp.send_notice if core.has_otp else None,
            limiter=core.limits.delivery_limiter,
            clock=system.clock,
            events=system.events,
        )
        self.remove_of_user = RemovePasskeysOfUser(
            identities=identities, act=core.administration.act_for_users, notices=self.notices
        )


class AppPasskeysFeature:
    """What users do with passkeys, where the settings name a domain for them.

    Options and responses are JSON, as `PublicKeyCredential.toJSON()` and
    `parseRequestOptionsFromJSON()` of browsers have them.
    """

    def __init__(
        self, core: UseCases, passkeys: PasskeysFeature, relying_party: RelyingParty
    ) -> None:
        system, identities = core.system, core.repositories.identities
        limits = core.limits
        fixed_codes = core.identities.policy.fixed_codes
        self.own = OwnPasskeys(
            relying_party=relying_party,
            challenges=passkeys.challenges,
            verify=passkeys.verify_new,
            identities=identities,
            record_act=core.record_act,
            fixed_codes=fixed_codes,
            clock=system.clock,
            events=system.events,
            notices=passkeys.notices,
        )
        self.sign_in = SignInByPasskey(
            relying_party=relying_party,
            verify=passkeys.verify,
            identities=identities,
            sessions=core.identities.sessions,
            additions=core.additions,
            limits=limits,
            keyed_hashes=core.keyed_hashes,
            fixed_codes=fixed_codes,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
        )


class StaffPasskeysFeature:
    """The use cases of passkeys of the staff, where there is a console.

    Options and responses are the JSON of WebAuthn.
    """

    def __init__(
        self,
        core: UseCases,
        passkeys: PasskeysFeature,
        relying_party: RelyingParty,
        page_url: str,
        *,
        are_required: bool,
    ) -> None:
        """Build the use cases; `page_url` is the page of the console, which opens a link."""
        system, identities = core.system, core.repositories.identities
        fixed_codes = core.identities.policy.fixed_codes
        open_session = OpenConsoleSession(
            sessions=core.identities.sessions,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
        )
        self.sign_in = SignInAtConsole(
            relying_party=relying_party,
            verify=passkeys.verify,
            identities=identities,
            tokens=core.identities.sessions.tokens,
            fixed_codes=fixed_codes,
            open_session=open_session,
        )
        self.touch = Touch(
            relying_party=relying_party,
            verify=passkeys.verify,
            identities=identities,
            fixed_codes=fixed_codes,
        )
        self.passkeys = StaffPasskeys(
            relying_party=relying_party,
            page_url=page_url,
            challenges=passkeys.challenges,
            verify=passkeys.verify_new,
            touch=self.touch,
            open_session=open_session,
            identities=identities,
            act=core.administration.act_for_users,
            limit_store=core.limits.limit_store,
            fixed_codes=fixed_codes,
            clock=system.clock,
            randomness=system.randomness,
            notices=passkeys.notices,
            are_required=are_required,
        )


@dataclass(frozen=True, slots=True)
class Passkeys:
    """What all passkeys share, and those of users and of the staff, where these are on."""

    shared: PasskeysFeature
    _passkeys: AppPasskeysFeature | None = None
    _staff: StaffPasskeysFeature | None = None

    @property
    def passkeys(self) -> AppPasskeysFeature:
        return require(self._passkeys, "passkeys of users are")

    @property
    def staff(self) -> StaffPasskeysFeature:
        return require(self._staff, "passkeys of the staff are")
