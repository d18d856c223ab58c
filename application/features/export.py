"""Export all data of a person."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.export_files import (
    ExportedFiles,
    ExportFile,
    MissingFiles,
    json_file,
    text_file,
)
from application.administration.find_user import UserQuery
from application.administration.operator import Operator, staff_member
from application.administration.user_acts import ActCall, UserAct, has_account
from application.administration.view_phone import ViewPhone
from application.core_ports import CorePorts
from application.opened import Opened
from application.operations.cleanup import expire
from application.owned_records import OwnedRecords
from application.ports.administration import AuditFilter, AuditLog
from application.ports.errors import PortError, StorageError
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from application.principal import Principal
from application.update import change
from application.use_cases import UseCases
from domain.administration.audit import ActorKind, AuditAction, AuditEntry
from domain.administration.scopes import Scope
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.errors import Forbidden, FreshLoginRequired, Unauthenticated, Unavailable
from domain.features.export import (
    EXPORT_LINK_SECRET_BYTES,
    EXPORT_LINK_TTL,
    DataExport,
    ExportLink,
    ExportLinkNotValid,
)
from domain.identifier import hash_secret
from domain.identities.claims import read_claims
from domain.identities.identity import Identity
from domain.otp.delivery import Delivery, DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import CLOCK_SKEW

_Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectFiles:
    """Collect all data of one person (GDPR, articles 15 and 20).

    - Keys, keyed hashes and what only the service needs are left out, and data of others: an
      export has one phone number. The other number of a change may be somebody else's.
    - A file that is no longer there is named in `not_included.json`. A store that does not answer
      is an error: a part is never taken for the whole.
    """

    phone_verifications: PhoneVerifications
    delivery_reports: ExpiringRecords[DeliveryReport]
    data_exports: OwnedRecords[DataExport]
    audit_log: AuditLog
    added: Sequence[ExportedFiles]
    clock: Clock

    @property
    def explained_files(self) -> Mapping[str, str]:
        explained = dict(EXPLAINED_FILES)
        for files in self.added:
            explained |= files.explained_files
        return explained | EXPLAINED_MISSING

    async def check(self, identity: Identity) -> None:
        for files in self.added:
            await files.check(identity)

    async def __call__(self, identity: Identity) -> AsyncGenerator[ExportFile, None]:
        now = self.clock.now()
        verification = await self._load_verification(identity)
        yield text_file("index.html", render_page(identity, now, self.explained_files), now)
        last_export = await self.data_exports.load(identity.id)
        yield json_file("account.json", _describe_account(identity, last_export), now)
        yield json_file("sessions.json", _describe_sessions(identity, now), now)
        reports = await self._describe_deliveries(verification)
        yield json_file("sign_in.json", _describe_verification(verification, reports), now)
        yield json_file("audit.json", await self._describe_audit(identity.id), now)
        missing = MissingFiles()
        for read_files in self.added:
            async with aclosing(read_files(identity, now, missing)) as files:
                async for file in files:
                    yield file
        if missing.files:
            listed = json_file("not_included.json", missing.files, now)
            yield replace(listed, missing_files=len(missing.files))

    async def _load_verification(self, identity: Identity) -> PhoneVerification:
        if identity.phone is None:
            return PhoneVerification()
        verification = (await self.phone_verifications.load(identity.phone)).value
        # Otherwise the phone belongs to somebody else now.
        is_own = verification.identity_id == identity.id
        return verification.prune(self.clock.now()) if is_own else PhoneVerification()

    async def _describe_deliveries(self, verification: PhoneVerification) -> Sequence[_Json]:
        return [
            {
                **await self._describe_delivery(delivery),
                "is_result_unknown": delivery.unknown_reason is not None,
            }
            for delivery in verification.deliveries.all
        ]

    async def _describe_delivery(self, delivery: Delivery) -> _Json:
        loaded = await self.delivery_reports.load(delivery.report_id)
        report = loaded.value if loaded else None
        return {
            "sent_at": delivery.sent_at,
            "channel": delivery.channel.value,
            "provider": delivery.provider,
            "is_rejected": delivery.is_rejected,
            "reason": delivery.rejection,
            "reported_status": report.status.value if report else None,
            "error_code": report.error_code if report else None,
        }

    async def _describe_audit(self, identity_id: str) -> Sequence[_Json]:
        entries, cursor = list[AuditEntry](), None
        audit_filter = AuditFilter(subject=identity_id)
        while page := await self.audit_log.list_after(audit_filter, cursor, MAX_PAGE_SIZE):
            entries += page
            cursor = Cursor(page[-1].at, page[-1].id)
        return [_describe_entry(entry) for entry in entries]


def _describe_account(identity: Identity, last_export: DataExport | None) -> _Json:
    consent, change = identity.consent, identity.phone_change
    return {
        "id": identity.id,
        "phone": identity.phone.e164 if identity.phone else None,
        "username": identity.username.text if identity.username else None,
        "username_since": identity.user.created_at if identity.user else None,
        "external_id": identity.external_id,
        "claims": read_claims(identity.claims),
        "imported_at": identity.imported.at,
        "was_blocked_by_import": identity.imported.was_blocked,
        "role": identity.staff.role.value,
        "created_at": identity.created_at,
        "last_used_at": identity.last_used_at,
        "has_signed_in": identity.has_signed_in,
        "is_verified": identity.is_verified,
        "blocked_at": identity.blocked_at,
        "detached_at": identity.detached_at,
        "spoken_consent": consent
        and {
            "wording": consent.wording,
            "language": consent.language,
            "given_at": consent.given_at,
        },
        "phone_change": change and {"started_at": change.started_at, "step": change.step.value},
        "unsent_events": [
            {"type": event.type.value, "at": event.occurred_at} for event in identity.events.unsent
        ],
        "last_export_at": last_export and last_export.started_at,
    }


def _describe_sessions(identity: Identity, now: datetime) -> _Json:
    return {
        "sessions": [
            {
                "id": session.id,
                "device": session.device,
                "created_at": session.created_at,
                "last_used_at": session.last_used_at,
                "expires_at": session.ends_at,
                "amr": session.amr,
                "claims": read_claims(session.claims),
            }
            for session in identity.active_sessions(now)
        ],
        "refresh_tokens_sent_again_from_another_network": [
            {"session_id": repeat.session_id, "at": repeat.repeated_at}
            for repeat in identity.current_token_repeats(now)
        ],
        "recognized_devices": [
            {"session_id": device.session_id, "expires_at": device.expires_at}
            for device in identity.devices
        ],
    }


def _describe_verification(verification: PhoneVerification, deliveries: Sequence[_Json]) -> _Json:
    locale = verification.call_locale
    return {
        "blocked_at": verification.blocked_at,
        "failed_attempts_in_a_row": verification.failures.in_a_row,
        "last_failed_at": verification.failures.last_failed_at,
        "limit_resets": verification.limit_resets,
        "logins_by_ip": [trusted.last_login_at for trusted in verification.trusted_ips],
        "call_language": locale and {"language": locale.tag, "chosen_at": locale.chosen_at},
        "deliveries": deliveries,
        "rejected_requests": [
            {
                "at": rejection.at,
                "channel": rejection.channel.value,
                "limit": rejection.limit,
                "clients": rejection.clients,
                "until": rejection.until,
                "recognition": rejection.recognition.value,
                "has_proof": rejection.has_proof,
            }
            for rejection in verification.rejections
        ],
    }


def _describe_entry(entry: AuditEntry) -> _Json:
    """Describe an audit entry without the person who acted, whose data it is too."""
    kinds = {
        ActorKind.ADMINISTRATOR: "the staff of the operator",
        ActorKind.USER: "you",
        ActorKind.SERVICE_TOKEN: "another service of the operator",
        ActorKind.OPERATING_SYSTEM_USER: "an operator, by a command",
    }
    return {
        "at": entry.at,
        "action": entry.action.value,
        "item_id": entry.item_id,
        "role": entry.role,
        "by": kinds[entry.actor.kind],
        "reason": entry.reason,
        "failed": entry.error is not None,
    }


EXPLAINED_FILES: Final = {
    "account.json": (
        "your account: phone number, username, role, times, what you agreed to, a change of the"
        " number under way, and what the server of the app is not informed of yet"
    ),
    "sessions.json": "where you are signed in, and which devices are recognized",
    "sign_in.json": (
        "the codes of the last day: when they were sent, by which provider, and whether they"
        " arrived, or why a request was rejected; failed attempts, and a block of the number"
    ),
    "audit.json": (
        "what operators of the service did with your account in the last 400 days, when and why,"
        " and when its phone number was changed"
    ),
}
"""The files of the core, and what is in each."""
EXPLAINED_MISSING: Final = {
    "not_included.json": "only if a file could not be included: its name, and the reason",
}
_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your data</title>
<style>
body {{ font-family: system-ui, sans-serif; line-height: 1.5; max-width: 45em; margin: 2em auto;
  padding: 0 1em; }}
td {{ padding: 0.3em 1em 0.3em 0; vertical-align: top; }}
td:first-child {{ white-space: nowrap; }}
</style>
</head>
<body>
<h1>Your data</h1>
<p>This is all that the service stores about the account {account}, as of {time}. Files whose name
ends with .json are text in JSON (RFC 8259), which people and programs can read. Times are in UTC.
</p>
<table>
{rows}
</table>
<p>These are left out: keys, and hashes that only the service can read, for example of the IP
addresses from which you signed in; smaller copies of your pictures; and the data of other people,
also phone numbers that the account had before.
Codes and tokens are not stored. The logs and backups of the operator are not part of this export.
</p>
</body>
</html>
"""


def render_page(identity: Identity, now: datetime, explained_files: Mapping[str, str]) -> str:
    """Return the page as HTML. It loads nothing."""
    rows = "\n".join(
        f"<tr><td>{name}</td><td>{escape(text)}.</td></tr>"
        for name, text in explained_files.items()
    )
    return _PAGE.format(account=identity.id, time=f"{now:%Y-%m-%d %H:%M}", rows=rows)


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
        await check_files(self.collect_files, principal.identity)
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

            # If this fails, the export may be repeated soon.
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
        await check_files(self.collect_files, identity)
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
    has_console: bool
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
        if loaded is None or now >= loaded.value.expires_at or not self.has_console:
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


async def check_files(collect_files: CollectFiles, identity: Identity) -> None:
    """Check that all files can be read: once a response has begun, its status stays.

    Raises:
        Unavailable
    """
    try:
        await collect_files.check(identity)
    except PortError as error:
        raise Unavailable from error


async def _make_link(call: ActCall) -> Mapping[str, Any]:
    exports: Exports = call.feature
    secret = await exports.link_to_export.make(call.operator, call.query, call.reason)
    seconds = EXPORT_LINK_TTL // timedelta(seconds=1)
    return {"path": f"/admin/downloads/{secret}", "expires_in": seconds}


LINK_TO_EXPORT: Final = UserAct(
    act=EXPORT_LINK,
    feature="export",
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


@dataclass(frozen=True, slots=True)
class ExportRepositories:
    """The repositories of exports."""

    data_exports: ExpiringRecords[DataExport]
    export_links: ExpiringRecords[ExportLink]


class Exports:
    """The use cases of exports."""

    def __init__(
        self,
        core: UseCases,
        data_exports: OwnedRecords[DataExport],
        links: ExpiringRecords[ExportLink],
    ) -> None:
        repositories, clock = core.repositories, core.system.clock
        collect_files = CollectFiles(
            phone_verifications=repositories.phone_verifications,
            delivery_reports=repositories.delivery_reports,
            audit_log=repositories.audit_log,
            data_exports=data_exports,
            added=core.additions.exported,
            clock=clock,
        )
        self.export_own_data = ExportOwnData(data_exports, collect_files, clock)
        self.export_user = ExportUser(
            core.administration.act_for_users, core.user_details.view_phone, collect_files
        )
        self.link_to_export = LinkToExport(
            links=links,
            act=core.administration.act_for_users,
            identities=repositories.identities,
            has_console=core.additions.has_console,
            clock=clock,
            randomness=core.system.randomness,
        )


def open_export(core_ports: CorePorts, own: ExportRepositories) -> Opened[Exports]:
    """Open exports, which the cleanup and staff see too."""
    data_exports = OwnedRecords(own.data_exports, core_ports.repositories.identities)
    steps = {
        "expired_data_exports": expire(own.data_exports, CLOCK_SKEW),
        "expired_export_links": expire(own.export_links),
    }
    return Opened(
        lambda core: Exports(core, data_exports, own.export_links),
        replace(data_exports.ends_with_owner, cleanup_steps=steps, user_acts=(LINK_TO_EXPORT,)),
    )
