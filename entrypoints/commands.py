"""The commands of `dialtone`; each yields or returns the lines to print."""

import asyncio
import os
import sys
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import starmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from adapters.flows import draw
from adapters.flows.flow_rules import list_contained_phrases
from adapters.logging import configure_logging
from adapters.templates.sms_length import measure_sms
from adapters.templates.template_set import TemplatePreview
from application.identities.operators import OperatorActions
from application.media.check_media import MediaFindings
from application.use_cases import UseCases
from application.webhook_urls import WebhookUrls
from domain.errors import InvalidValue, UserNotFound
from domain.identifier import parse_identifier
from domain.identities.identity import Role
from domain.phone import PhoneNumber, parse_phone
from domain.voice.walk import Caller
from entrypoints import operator_jobs
from entrypoints.bootstrap import Part, find_key_fingerprint, open_use_cases
from entrypoints.connection_checks import run_checks
from entrypoints.flow_trial import try_flow
from entrypoints.operator_files import load_call_flow, load_sms_templates
from entrypoints.part_checks import connection_checks
from entrypoints.settings.parsers import duration
from entrypoints.settings.read import describe, find_unknown, unknown_line
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import MediaFolder
from entrypoints.startup_error import CommandError, InvalidArgument, print_errors

if TYPE_CHECKING:
    from adapters.templates.template_file import TemplateFile

T = TypeVar("T")

_PROGRESS_SECONDS: Final = 2.0

_log = structlog.get_logger()


def check_settings(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Describe each setting with its value and origin, preview the messages, or try all parts."""
    if arguments.templates:
        yield from _preview_templates(load_sms_templates(settings).previews())
        return
    if arguments.connect:
        checks = connection_checks(settings)
        results = run_checks(
            checks, lambda: configure_logging(settings.log_level, settings.log_format)
        )
        width = max(map(len, checks))
        yield from (f"{name:<{width}}  {result.text}" for name, result in results.items())
    else:
        results = {}
        rows = describe(settings)
        width = max(len(row.name) for row in rows)
        value_width = max(len(row.shown) for row in rows)
        for row in rows:
            yield f"{row.name:<{width}}  {row.shown:<{value_width}}  {row.origin}"
    yield from starmap(unknown_line, find_unknown(settings.variables.values))
    failed = sum(not result.is_ok for result in results.values())
    if failed:
        raise CommandError(f"{failed} of {len(results)} parts do not work.")


def cleanup(settings: Settings, _: Namespace) -> Iterable[str]:
    """Delete expired and abandoned data; report how many of each kind."""
    parts = (Part.MEDIA, Part.CALLS)
    report = _with_use_cases(settings, parts, lambda use_cases: use_cases.operations.cleanup())
    return [f"{name.replace('_', ' ')}: {count}" for name, count in report.items()]


def media(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Check the media store, or rebuild the variants."""
    if arguments.action == "check":
        return _check_media(settings, arguments)
    return _rebuild_variants(settings)


def _rebuild_variants(settings: Settings) -> Iterable[str]:
    """Make the variants of all images that the settings name; the log has the progress."""
    parts = (Part.MEDIA, Part.IMAGES)
    report = _with_use_cases(
        settings, parts, lambda use_cases: use_cases.media.rebuild_variants(TemporaryFile)
    )
    yield from (f"{name.replace('_', ' ')}: {count}" for name, count in asdict(report).items())
    if report.failed_items:
        raise CommandError("Some images could not be decoded. The log has their ids.")


def _check_media(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Compare the library with the media store; repair the differences on request."""
    show_progress = _ProgressLine()

    async def check(use_cases: UseCases) -> MediaFindings:
        findings = await use_cases.media.check_media.find(show_progress)
        if arguments.repair:
            if findings.is_suspicious and not arguments.force:
                raise CommandError(
                    f"Nothing was changed: no item of {findings.items} has its file. Check that"
                    " DIALTONE_DATABASE and DIALTONE_MEDIA belong together, or add --force."
                )
            await use_cases.media.check_media.repair(findings, show_progress)
        return findings

    found = _with_use_cases(settings, (Part.MEDIA,), check)
    yield from (f"file without an item: {key}" for key in found.files_without_item)
    yield from (f"item without its file: {item_id}" for item_id in found.items_without_file)
    yield from (f"item without a variant: {item_id}" for item_id in found.items_without_variant)
    yield f"files checked: {found.files}; without an item: {len(found.files_without_item)}"
    yield (
        f"items checked: {found.items}; without their file: {len(found.items_without_file)};"
        f" without a variant: {len(found.items_without_variant)}"
    )
    if arguments.repair:
        yield f"repaired: {found.repaired}; corrected usages: {found.corrected_usages}"
        if found.items_without_variant:
            yield "Next: dialtone media rebuild-variants"
    elif found.orphans:
        raise CommandError("Some files or items have no counterpart: dialtone media check --repair")


class _ProgressLine:
    """Prints progress to stderr, every two seconds at most."""

    def __init__(self) -> None:
        self._shown_at = time.monotonic()

    def __call__(self, findings: MediaFindings) -> None:
        if time.monotonic() - self._shown_at >= _PROGRESS_SECONDS:
            self._shown_at = time.monotonic()
            print_errors(
                f"{findings.files} files and {findings.items} items checked,"
                f" {findings.orphans} found, {findings.repaired} repaired"
            )


def rotate_keys(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Add new keys to the secrets file."""
    try:
        delay = duration("1m", "30d")(arguments.after)
    except InvalidValue as error:
        raise InvalidArgument(f"--after: {error.message}") from None
    return [
        f"{rotated.purpose}: {rotated.key_id} is accepted now and used from "
        f"{rotated.not_before:%Y-%m-%dT%H:%M:%SZ} on; older keys: {rotated.kept} kept, "
        f"{rotated.removed} removed"
        for rotated in operator_jobs.rotate_keys(settings, delay)
    ]


def generate_keys(arguments: Namespace) -> Iterable[str]:
    """Create a secrets file, or print new keys as one line. It needs no settings."""
    from adapters.key_file.document import generate_document
    from adapters.key_file.keys import generate_secrets_file

    if arguments.file == "-":
        yield generate_document(indent=None).rstrip()
        return
    path = _parse_file(arguments.file).absolute()
    generate_secrets_file(path)
    yield f"{path} has new keys. Only its owner (uid {os.geteuid()}) can read it."
    yield f"Next: start the service as this user with DIALTONE_SECRETS_FILE={path}"
    if os.geteuid() == 0:
        yield f"If the service runs as another user: chown USER {path}"
    yield "Store a copy of the file apart from the database: without it no phone can be read."


def back_up(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Copy the database to a file; say what else to copy."""
    from adapters.sqlite import back_up as back_up_database

    file = _parse_file(arguments.file)
    path = operator_jobs.sqlite_path(settings, operator_jobs.DUMP, file)
    copy = back_up_database(path, file, replace=arguments.replace, full_check=arguments.full_check)
    yield (
        f"{copy.path} is complete: {copy.identity_count} identities, {copy.size_bytes} bytes, "
        "integrity checked."
    )
    if copy.unknown_object is not None:
        yield (
            f"Warning: it has the unknown {copy.unknown_object!r}. `dialtone restore` refuses it "
            "until this object is dropped."
        )
    yield f"Now copy the {_media_place(settings)}, after the database."
    yield f"Apart from both, keep a copy of {_keys_place(settings)}."


def restore(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Replace the database by a backup; say what else is needed."""
    from adapters.sqlite import restore as restore_database
    from adapters.system import SystemClock

    file = _parse_file(arguments.file)
    path = operator_jobs.sqlite_path(settings, operator_jobs.LOAD_DUMP, file)
    copy = restore_database(path, file, SystemClock().now(), full_check=arguments.full_check)
    yield f"{copy.path} is restored: {copy.identity_count} identities, integrity checked."
    if copy.may_lack_log:
        yield (
            "Warning: `dialtone backup` did not write this file. If it was copied while a service "
            "ran, the newest data is missing, or all: it was in the file that ends with -wal."
        )
    if copy.kept_at is not None:
        yield f"The database from before is {copy.kept_at}. Delete it when you no longer need it."
    if find_key_fingerprint(settings) == copy.key_fingerprint:
        yield f"The keys belong to this database: {_keys_place(settings)}."
    else:
        yield f"It needs other keys: before the start, restore {_keys_place(settings)}."
    yield f"Its images are in the {_media_place(settings)}: restore a copy that is not older."
    yield (
        "Changes since the backup are undone: deleted accounts and revoked sessions are back, "
        "blocked phones are not blocked."
    )


def reencrypt_phones(settings: Settings, _: Namespace) -> Iterable[str]:
    """Encrypt all stored phones with the current key."""
    count, unused = asyncio.run(operator_jobs.reencrypt_phones(settings))
    yield f"phones encrypted again: {count}"
    yield f"keys of phone_encryption that no record uses anymore: {', '.join(unused) or 'none'}"


def rotate_index_key(settings: Settings, _: Namespace) -> Iterable[str]:
    """Change the index key while no service runs."""
    key_id, kept = asyncio.run(operator_jobs.rotate_index_key(settings))
    yield f"phone_index: {key_id} is used from now on; phone verifications kept: {kept}"


def promote(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Make a user an administrator."""
    user = _parse_user(settings, arguments.user)
    try:
        identity = _act(settings, lambda actions: actions.change_role(user, Role.ADMINISTRATOR))
    except InvalidValue as error:
        raise CommandError(error.message) from None
    return [f"{identity.id} is an administrator now. All sessions have ended: sign in again."]


def demote(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Make an administrator a member."""
    user = _parse_user(settings, arguments.user)
    identity = _act(settings, lambda actions: actions.change_role(user, Role.MEMBER))
    return [f"{identity.id} is a member now."]


def block(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Block a phone and revoke its sessions."""
    phone = _parse_phone(settings, arguments.phone)
    _act(settings, lambda actions: actions.block(phone))
    return [f"{phone.masked} is blocked now."]


def unblock(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Allow a blocked phone to sign in."""
    phone = _parse_phone(settings, arguments.phone)
    _act(settings, lambda actions: actions.unblock(phone))
    return [f"{phone.masked} is not blocked now."]


def logout(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Revoke all sessions of a phone."""
    phone = _parse_phone(settings, arguments.phone)
    revoked = _act(settings, lambda actions: actions.revoke_sessions(phone))
    return [f"{phone.masked} is signed out; revoked sessions: {revoked}."]


def restore_identity(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Give a phone back to its detached identity."""
    user_id = parse_identifier(arguments.user_id)
    if user_id is None:
        raise CommandError("This is not a user id: use the one of the event identity_detached.")
    not_found = "There is no detached identity with this id."
    identity = _act(settings, lambda actions: actions.restore(user_id), not_found)
    return [f"{identity.id} has its phone again. Its owner signs in and chooses a username."]


def flow(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Check a call flow, draw it, or walk it."""
    file = Path(arguments.file) if arguments.file else None
    call_flow = load_call_flow(settings, file)
    match arguments.action:
        case "check":
            nodes, locales = len(call_flow.nodes), ", ".join(call_flow.locales)
            valid = f"The call flow is valid: {nodes} nodes; locales: {locales}."
            contained = (f"{place}: {text}" for place, text in list_contained_phrases(call_flow))
            return [valid, *(f"information: {line}; the longer one counts" for line in contained)]
        case "draw":
            return [draw(call_flow)]
        case _:
            caller = Caller()
            if arguments.caller != "anonymous":
                phone = _parse_phone(settings, arguments.phone)
                identity_id = None if arguments.caller == "unknown" else "trial"
                caller = Caller(phone, identity_id, arguments.caller == "verified")
            return try_flow(call_flow, caller, _read_line)


def voice(settings: Settings, _: Namespace) -> Iterable[str]:
    """Show what to enter at Twilio, or what the phone line needs first."""
    if not settings.has_phone_line:
        raise CommandError(
            "There is no phone line: set DIALTONE_VOICE=twilio, TWILIO_ACCOUNT_SID, "
            "TWILIO_AUTH_TOKEN, TWILIO_VOICE_FROM and DIALTONE_PUBLIC_URL. See docs/voice.md."
        )
    urls = WebhookUrls(settings.public_url)
    yield (
        "Console of Twilio, Phone Numbers, Manage, Active numbers, "
        f"{settings.twilio_caller_id}, Voice Configuration:"
    )
    for name, url in (
        ("A call comes in", urls.voice()),
        ("Primary handler fails", urls.fallback()),
        ("Call status changes", urls.call_status()),
    ):
        yield f"{name:<23}HTTP POST  {url}"
    yield "Messages and calls from the service name their URLs themselves."
    if settings.operator is None:
        yield "DIALTONE_OPERATOR is not set: callers hear that the operator does not answer."


COMMANDS: Final[Mapping[str, Callable[[Settings, Namespace], Iterable[str]]]] = {
    "check-settings": check_settings,
    "cleanup": cleanup,
    "media": media,
    "backup": back_up,
    "restore": restore,
    "rotate-keys": rotate_keys,
    "reencrypt-phones": reencrypt_phones,
    "rotate-index-key": rotate_index_key,
    "promote": promote,
    "demote": demote,
    "block": block,
    "unblock": unblock,
    "sign-out": logout,
    "restore-identity": restore_identity,
    "flow": flow,
    "voice": voice,
}


def _with_use_cases(
    settings: Settings, parts: Collection[Part], call: Callable[[UseCases], Awaitable[T]]
) -> T:
    """Call with the parts that the use case needs: a command helps while others do not work."""

    async def open_and_call() -> T:
        async with open_use_cases(settings, parts=parts) as use_cases:
            return await call(use_cases)

    return asyncio.run(open_and_call())


def _act(
    settings: Settings,
    act: Callable[[OperatorActions], Awaitable[T]],
    not_found: str = "There is no such user: use a user id, or a phone that has signed in.",
) -> T:
    try:
        return _with_use_cases(
            settings, (), lambda use_cases: act(use_cases.identities.operator_actions)
        )
    except UserNotFound:
        raise CommandError(not_found) from None


def _parse_file(text: str) -> Path:
    if text in ("", "-") or text.endswith("/"):
        raise InvalidArgument("This is not the path of a file. Example: /srv/backup/dialtone.db")
    return Path(text)


def _media_place(settings: Settings) -> str:
    match settings.media:
        case MediaFolder(path=path):
            return f"media folder {path.absolute()}"
        case _:
            return "media store in DIALTONE_MEDIA"


def _keys_place(settings: Settings) -> str:
    if settings.secrets.value:
        return "the value of DIALTONE_SECRETS"
    return f"the secrets file {settings.secrets_file.absolute()}"


def _preview_templates(
    previews: "Iterable[tuple[TemplateFile, TemplatePreview]]",
) -> Iterator[str]:
    """Show each message as it is sent, below its file, its platform and its length."""
    for file, preview in previews:
        length = measure_sms(preview.text)
        unit = "message" if length.segments == 1 else "messages"
        yield (
            f"{file.location}, {preview.platform}: "
            f"{length.segments} {unit}, {length.units} units of {length.encoding}"
        )
        yield from (f"    {line}" for line in preview.text.split("\n"))


def _read_line() -> str | None:
    """Return the next line of stdin, or None at its end."""
    if sys.stdin is None:
        return None
    try:
        return sys.stdin.readline() or None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The input could not be read: {error}.") from None


def _parse_user(settings: Settings, text: str) -> str | PhoneNumber:
    try:
        return parse_identifier(text) or parse_phone(text, settings.default_region, rules=None)
    except InvalidValue:
        shown = text.encode("unicode_escape").decode()
        raise CommandError(
            f"{shown} is not a user: use a user id, or a phone that has signed in."
        ) from None


def _parse_phone(settings: Settings, text: str) -> PhoneNumber:
    try:
        return parse_phone(text, settings.default_region, rules=None)
    except InvalidValue as error:
        raise CommandError(error.message) from None
