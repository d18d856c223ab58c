"""Export all data of a person."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.export_part import ExportFile
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.administration.use_cases import UserDetailsUseCases
from application.administration.view_phone import ViewPhone
from application.features.export.files import CollectFiles
from application.features.export.ports import ExportRepositories
from application.operations.cleanup import expire
from application.owned_records import OwnedRecords
from application.ports.errors import PortError, StorageError
from application.ports.system import Clock
from application.principal import Principal
from application.update import change
from application.use_cases import UseCases
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope
from domain.errors import FreshLoginRequired, Unauthenticated, Unavailable
from domain.features.export import DataExport
from domain.identities.identity import Identity
from domain.otp.sliding_window import CLOCK_SKEW

EXPORT: Final = Act(
    name="export", action=AuditAction.EXPORT, scope=Scope.EXPORT_USERS, needs_fresh_login=True
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


async def check_parts(collect_files: CollectFiles, identity: Identity) -> None:
    """Check that all parts can be read: once a response has begun, its status stays.

    Raises:
        Unavailable
    """
    try:
        await collect_files.check(identity)
    except PortError as error:
        raise Unavailable from error


class ExportFeature:
    """The use cases of exports."""

    def __init__(self, core: UseCases, own: ExportRepositories) -> None:
        repositories, clock = core.repositories, core.system.clock
        data_exports = OwnedRecords(own.data_exports, repositories.identities)
        data_exports.delete_with_owner(core)
        steps = {"expired_data_exports": expire(own.data_exports, CLOCK_SKEW)}
        core.operations.cleanup.add_steps(steps)
        collect_files = CollectFiles(
            phone_verifications=repositories.phone_verifications,
            delivery_reports=repositories.delivery_reports,
            data_exports=data_exports,
            audit_log=repositories.audit_log,
            parts=core.administration.export_parts,
            clock=clock,
        )
        self.export_own_data = ExportOwnData(data_exports, collect_files, clock)
        self.export_user = ExportUser(
            core.administration.act_for_users,
            core.of(UserDetailsUseCases).view_phone,
            collect_files,
        )
