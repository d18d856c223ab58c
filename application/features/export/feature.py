"""Export all data of a person."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.export_part import ExportFile
from application.administration.find_user import UserQuery
from application.administration.operator import Operator, staff_member
from application.administration.use_cases import UserDetailsUseCases
from application.administration.user_acts import ActCall, UserAct, has_account
from application.administration.view_phone import ViewPhone
from application.features.export.files import CollectFiles
from application.features.export.ports import ExportRepositories
from application.identities.extensions import IdentityExtensions
from application.operations.cleanup import expire
from application.owned_records import OwnedRecords
from application.ports.errors import PortError, StorageError
from application.ports.identities import Identities
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from application.principal import Principal
from application.update import change
from application.use_cases import UseCases
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope
from domain.errors import Forbidden, FreshLoginRequired, Unauthenticated, Unavailable
from domain.features.export import (
    EXPORT_LINK_SECRET_BYTES,
    EXPORT_LINK_TTL,
    DataExport,
    ExportLink,
    ExportLinkNotValid,
)
from domain.identities.identity import Identity
from domain.otp.sliding_window import CLOCK_SKEW
from domain.secret_hash import hash_secret

EXPORT: Final = Act(
    name="export", action=AuditAction.EXPORT, scope=Scope.EXPORT_USERS, needs_fresh_login=True
)
EXPORT_LINK: Final = Act(
    name="export-link", action=AuditAction.EXPORT, scope=Scope.EXPORT_USERS, needs_fresh_login=True
)


class Export:
    """An export that is being sent.

    `missing_files` counts those named in `not_included.json`, once that was reached.
    """

    def __init__(self, identity: Identity, collect_files: CollectFiles) -> None:
        self.identity = identity
        self.is_complete = False
        self.missing_files = 0
        self._collect_files = collect_files

    async def files(self) -> AsyncGenerator[ExportFile, None]:
        """Yield the files, each of which is read before the next one."""
        async with aclosing(self._collect_files(self.identity)) as files:
            async for file in files:
                self.missing_files += file.missing_files
                yield file

    def complete(self) -> None:
        self.is_complete = True


@dataclass(frozen=True, slots=True)
class ExportOwnData:
    """Export the principal's own data.

    - It needs a login within the last 15 minutes: a stolen token does not open everything.
    - It is possible once a day. A transfer that broke may be repeated within an hour.
    """

    data_exports: OwnedRecords[DataExport]
    collect_files: CollectFiles
    clock: Clock

    async def check(self, principal: Principal) -> None:
        """Check that an export would begin now. Nothing is written.

        Raises:
            FreshLoginRequired
        """
        if not principal.has_fresh_login:
            raise FreshLoginRequired
        await check_parts(self.collect_files, principal.identity)
        earlier = await self.data_exports.load(principal.identity.id)
        if earlier is not None:
            earlier.repeat(self.clock.now())

    @asynccontextmanager
    async def __call__(self, principal: Principal) -> AsyncIterator[Export]:
        await self.check(principal)
        now = self.clock.now()
        identity_id = principal.identity.id

        def start(earlier: DataExport | None) -> DataExport:
            first = DataExport(identity_id, now, last_began_at=now)
            return earlier.repeat(now) if earlier else first

        identity = await self.data_exports.change(identity_id, start, Unauthenticated)
        export = Export(identity.require_open(), self.collect_files)
        try:
            yield export
        finally:

            def end(started: DataExport | None) -> tuple[DataExport | None, None]:
                return started and started.end(is_complete=export.is_complete), None

            # Where this fails, the export may be repeated soon.
            with suppress(StorageError):
                await change(self.data_exports.records, identity_id, end)


@dataclass(frozen=True, slots=True)
class ExportUser:
    """Export the data of a user for an operator. Each is in the audit, also one that breaks off."""

    act: ActForUsers
    view_phone: ViewPhone
    collect_files: CollectFiles

    @asynccontextmanager
    async def __call__(
        self, operator: Operator, query: UserQuery, reason: str = ""
    ) -> AsyncIterator[Export]:
        user = await self.act.find(operator, EXPORT, query, reason)
        identity = user.require_identity()
        await self.view_phone.count(operator)  # the export has the full number
        await check_parts(self.collect_files, identity)
        record_act = self.act.record_act
        entry = await record_act.begin(operator.actor, EXPORT.action, user.subject, reason)
        export = Export(identity, self.collect_files)
        try:
            yield export
        except BaseException as error:
            await record_act.fail(entry, error)
            raise
        if not export.is_complete:
            await record_act.fail(entry, InterruptedError())


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkToExport:
    """Make a link to an export for a browser, and take the one that a browser opens.

    A browser saves a large archive by itself, but only from a path that it opens without a token.
    The link is worth nothing in another browser, or when the session that made it has ended.
    """

    links: ExpiringRecords[ExportLink]
    act: ActForUsers
    identities: Identities
    extensions: IdentityExtensions
    clock: Clock
    randomness: Randomness

    async def make(self, operator: Operator, query: UserQuery, reason: str) -> str:
        """Return the secret of a link. The audit has an export when it begins."""
        user = await self.act.find(operator, EXPORT_LINK, query, reason)
        identity = user.require_identity()
        if not operator.session_id:
            raise Forbidden("Only a session of the console makes a link to an export.")
        secret = self.randomness.bytes(EXPORT_LINK_SECRET_BYTES).hex()
        link = ExportLink(
            id=hash_secret(secret),
            operator_id=operator.actor.id,
            session_id=operator.session_id,
            user_id=identity.id,
            reason=reason,
            expires_at=self.clock.now() + EXPORT_LINK_TTL,
        )
        await self.links.add(link)
        return secret

    async def take(
        self, secret: str, cookie: str, *, is_used: bool = True
    ) -> tuple[Operator, ExportLink]:
        """Return a link that is valid in the browser with this cookie, and who exports by it.

        If `is_used` is false, it can be taken again.

        Raises:
            ExportLinkNotValid
        """
        now, loaded = self.clock.now(), await self.links.load(hash_secret(secret))
        if loaded is None or now >= loaded.value.expires_at or not self.extensions.has_console:
            raise ExportLinkNotValid
        link = loaded.value
        found = await self.identities.load(link.operator_id)
        session = found.value.find_session(link.session_id, now) if found else None
        if found is None or session is None or not session.is_bound_to(cookie):
            raise ExportLinkNotValid
        if is_used and not await self.links.delete(link.id, loaded.version):
            raise ExportLinkNotValid
        # The login was fresh when the link was made, a minute ago at most.
        principal = Principal(found.value, session, has_recent_login=True, has_fresh_login=True)
        return staff_member(principal), link


async def check_parts(collect_files: CollectFiles, identity: Identity) -> None:
    """Check that all parts can be read: once a response has begun, its status stays.

    Raises:
        Unavailable
    """
    try:
        await collect_files.check(identity)
    except PortError as error:
        raise Unavailable from error


async def _make_link(call: ActCall) -> Mapping[str, Any]:
    links = call.use_cases.of(ExportFeature).link_to_export
    secret = await links.make(call.operator, call.query, call.reason)
    seconds = EXPORT_LINK_TTL // timedelta(seconds=1)
    return {"path": f"/admin/downloads/{secret}", "expires_in": seconds}


LINK_TO_EXPORT: Final = UserAct(
    act=EXPORT_LINK,
    title="Export all data",
    explains="Download all data of a user. The browser saves a ZIP archive: JSON and files, with a"
    " page that explains them.",
    for_programs="The response has a path, which the browser opens within a minute, without a token"
    " but with the cookie of the session. It works once. A service token uses `POST"
    " /admin/users/export`.",
    done="The download begins",
    run=_make_link,
    is_offered=has_account,
)


class ExportFeature:
    """The use cases of exports."""

    def __init__(self, core: UseCases, own: ExportRepositories) -> None:
        repositories, clock = core.repositories, core.system.clock
        data_exports = OwnedRecords(own.data_exports, repositories.identities)
        data_exports.delete_with_owner(core)
        steps = {
            "expired_data_exports": expire(own.data_exports, CLOCK_SKEW),
            "expired_export_links": expire(own.export_links),
        }
        core.operations.cleanup.add_steps(steps)
        collect_files = CollectFiles(
            phone_verifications=repositories.phone_verifications,
            delivery_reports=repositories.delivery_reports,
            data_exports=data_exports,
            audit_log=repositories.audit_log,
            parts=core.administration.export_parts,
            clock=clock,
        )
        core.administration.user_acts.insert(-1, LINK_TO_EXPORT)
        self.export_own_data = ExportOwnData(data_exports, collect_files, clock)
        self.export_user = ExportUser(
            core.administration.act_for_users,
            core.of(UserDetailsUseCases).view_phone,
            collect_files,
        )
        self.link_to_export = LinkToExport(
            links=own.export_links,
            act=core.administration.act_for_users,
            identities=repositories.identities,
            extensions=core.identities.extensions,
            clock=clock,
            randomness=core.system.randomness,
        )
