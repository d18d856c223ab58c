"""Make the use cases from settings: the core is opened, then each feature opens itself."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from adapters.databases.records.database import Database
from adapters.databases.records.newest_key import record_newest_key, record_newest_key_again
from adapters.databases.records.outages import OutageRetries
from adapters.databases.records.repositories import make_repositories
from adapters.databases.records.store_calls import wrap_store
from application.additions import Additions
from application.code_derivation import CodeDerivation
from application.core_ports import CorePorts, SecurityEventListeners
from application.identities.use_cases import IdentitiesPorts
from application.opened import build_core, make_use_cases
from application.operations.check_readiness import CheckedPart
from application.operations.use_cases import OperationsPorts
from application.otp.use_cases import make_send_notice
from application.ports.keys import KeyPurpose
from application.ports.system import Clock, SystemPorts
from application.use_cases import UseCases
from entrypoints.composition.details import DETAILS
from entrypoints.composition.features import FEATURES
from entrypoints.composition.limits import LIMITS, open_limits
from entrypoints.composition.otp import OTP, open_otp
from entrypoints.features.feature import Feature
from entrypoints.parts.composition import Composition, Openable
from entrypoints.parts.database import check_database_extra, open_guarded_database
from entrypoints.parts.extras import check_extra
from entrypoints.parts.keys import (
    AUDIENCE,
    KeysHealthCheck,
    load_keys,
    make_phone_encryption,
    variable_of_keys,
)
from entrypoints.parts.version import find_commit, installed_version
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable
from entrypoints.settings.values import SqliteLocation
from entrypoints.tasks.background_task import write_last

if TYPE_CHECKING:
    from adapters.operations.metrics.exposition import Samples
    from adapters.operations.metrics.metrics import Metrics
    from adapters.security.keys.keys import SecretKeys


def add_core_gauges(composition: Composition, core: UseCases) -> None:
    """Add the gauges of the program, its keys, its limits and its users."""
    from adapters.operations.metrics.metrics import country_label

    clock = composition.system.clock
    program = (installed_version(), find_commit())

    async def name_program() -> "Samples":
        return {program: 1}

    async def measure_keys() -> "Samples":
        now, key_rings = clock.now(), core.operations.key_rings.items()
        return {
            (purpose,): (now - keys.signing().not_before).total_seconds()
            for purpose, keys in key_rings
        }

    async def find_key_problem() -> "Samples":
        composition.keys.current()
        return 1 if composition.keys.problem else 0

    async def measure_limits() -> "Samples":
        return {
            (use.limit, use.clients, country_label(use.country)): use.percent / 100
            for use in await core.limits.measure_limits()
        }

    async def count_users() -> "Samples":
        return (await core.identities.count_users.recent()).number

    text = "Always 1; the labels say which program this is."
    composition.add_gauge("build_info", text, name_program, "version", "commit")
    text = "Age of the key that is in use."
    composition.add_gauge("key_age_seconds", text, measure_keys, "purpose")
    text = "1 while the secrets file is older, missing or invalid, and the former keys are used."
    composition.add_gauge("secrets_problem", text, find_key_problem)
    text = "Use of a limit that many phones share, by all instances together, from 0 to 1."
    composition.add_gauge("limit_use_ratio", text, measure_limits, "limit", "clients", "country")
    text = "Identities with a username that are not deleted."
    composition.add_gauge("users", text, count_users)


ALL: Final[Sequence[Openable]] = (LIMITS, OTP, DETAILS, *FEATURES)
"""All that the service opens, in this order: each after those that it needs."""


@asynccontextmanager
async def open_use_cases(
    settings: Settings,
    openables: Iterable[Openable] = ALL,
    *,
    clock: Clock | None = None,
    retry: OutageRetries | None = None,
) -> AsyncIterator[UseCases]:
    """Open the use cases of the core and the features, as a command has them; see `open_all`."""
    async with open_all(settings, openables, clock=clock, retry=retry) as (_, use_cases):
        yield use_cases


@asynccontextmanager
async def open_all(
    settings: Settings,
    openables: Iterable[Openable] = ALL,
    *,
    clock: Clock | None = None,
    metrics: "Metrics | None" = None,
    retry: OutageRetries | None = None,
    is_service: bool = False,
) -> AsyncIterator[tuple[Composition, UseCases]]:
    """Open the core and the features, until the block ends.

    Nothing is opened of features that are not named, except of those that have to be open
    (`find_needed`), and nothing imported but their settings and the kinds of their records. Creates
    what is missing: keys (in development), the database and its schema, and what features keep in
    folders. `retry` repeats the calls of a job to the database, if it is shared.
    """
    from adapters.operations.logging.security_events import LogSecurityEvents
    from adapters.operations.system import SystemClock, SystemRandomness

    clock = clock or SystemClock()
    opened = find_needed(openables)
    check_database_extra(settings)
    for openable in opened:
        for library in openable.libraries(settings):
            with name_variable(settings.variable_of(library.variable)):
                check_extra(library.extra, library.subject)
    async with AsyncExitStack() as stack:
        keys = load_keys(settings, clock, is_service=True)
        phone_encryption = make_phone_encryption(keys)
        listeners = SecurityEventListeners()
        if metrics is not None:
            from adapters.operations.metrics.security_events import CountSecurityEvents

            listeners.add(CountSecurityEvents(metrics))
        security_log = LogSecurityEvents(
            lambda phone: phone_encryption.hash_phone_of_day(phone, clock.now().date())
        )
        listeners.add(security_log)
        stack.callback(security_log.end_minute)
        database = await stack.enter_async_context(
            open_guarded_database(settings, phone_encryption, metrics)
        )
        newest_key, encryption_keys = database.newest_key, keys.encryption_keys()
        with name_variable(variable_of_keys(settings)):
            await record_newest_key(newest_key, encryption_keys)
        if retry is not None and not isinstance(settings.database, SqliteLocation):
            records = wrap_store(database.records, lambda _, call: retry(call))
            database = replace(database, records=records)
        system = SystemPorts(clock=clock, randomness=SystemRandomness(), events=listeners)
        core_ports = CorePorts(
            system=system,
            repositories=make_repositories(
                database, phone_encryption, keeps_events=settings.keeps_user_events
            ),
            keyed_hashes=phone_encryption,
            policy=settings.identities_policy(),
        )
        composition = Composition(
            settings=settings,
            system=system,
            listeners=listeners,
            keys=keys,
            phone_encryption=phone_encryption,
            database=database,
            core_ports=core_ports,
            codes=CodeDerivation(
                keys.key_set(KeyPurpose.OTP_PEPPER), settings.test_otps.value, settings.otp_length
            ),
            opens={openable.name for openable in opened},
            metrics=metrics,
            stack=stack,
            is_service=is_service,
        )
        core = await _open_core(composition, opened)
        if is_service and newest_key is not None:
            record = partial(record_newest_key_again, newest_key, encryption_keys)
            composition.tasks.append(_repeat_record(record, metrics))
        yield composition, core


async def _open_core(composition: Composition, openables: Iterable[Openable]) -> UseCases:
    """Open limits, codes and features, and build the core with all that they add.

    Then each feature makes its use cases of the core, in the order of `openables`.
    """
    settings, core_ports, database = (
        composition.settings,
        composition.core_ports,
        composition.database,
    )
    checked = {"keys": CheckedPart(KeysHealthCheck(composition.keys))}
    if database.servers is not None:
        checked["database_servers"] = CheckedPart(database.servers)
    limits, otp, additions = None, None, [Additions(checked_parts=checked)]
    if "limits" in composition.opens:
        limits, added = await open_limits(composition)
        additions.append(added)
    if "otp" in composition.opens and limits is not None:
        otp, limits, added = await open_otp(composition, limits)
        additions.append(added)
        composition = replace(composition, send_notice=make_send_notice(core_ports, limits, otp))
    if "details" in composition.opens:
        additions += [feature.details(composition) for feature in FEATURES]
    opened = {
        openable.name: await openable.open(composition)
        for openable in openables
        if isinstance(openable, Feature)
    }
    core = build_core(
        core_ports,
        _make_identities_ports(settings, composition.keys),
        _make_operations_ports(
            settings, composition.keys, database, is_service=composition.is_service
        ),
        limits=limits,
        otp=otp,
        listeners=composition.listeners,
        additions=additions,
        opened=opened,
    )
    if core.has_otp:
        composition.stack.push_async_callback(
            write_last, core.otp.rejections.write_rest, "rejections_not_written"
        )
    if composition.metrics is not None:
        add_core_gauges(composition, core)
    make_use_cases(core, opened)
    return core


def _repeat_record(
    record: Callable[[], Awaitable[None]], metrics: "Metrics | None"
) -> AbstractAsyncContextManager[None]:
    """Let the database know each newer key, which encrypts after that."""
    from adapters.security.keys.keys import RELOAD_INTERVAL
    from entrypoints.tasks.background_task import repeat

    failed_event = "newest_key_not_recorded"
    return repeat(
        "newest_key", record, failed_event=failed_event, pause=RELOAD_INTERVAL, metrics=metrics
    )


def find_needed(openables: Iterable[Openable]) -> Sequence[Openable]:
    """Return these with what has to be open for them, in the order of opening."""
    named = {openable.name: openable for openable in openables}
    # A variant of a feature has its name, and its place.
    listed = [named.get(openable.name, openable) for openable in ALL]
    needed = named.keys() | {feature.name for feature in FEATURES if feature.must_be_open}
    for openable in reversed(listed):
        if openable.name in needed:
            needed |= set(openable.opens)
    others = [openable for openable in named.values() if openable not in listed]
    return [*others, *(openable for openable in listed if openable.name in needed)]


def _make_identities_ports(settings: Settings, keys: "SecretKeys") -> IdentitiesPorts:
    from adapters.security.jwt import JwtAccessTokens

    refresh_keys = keys.key_set(KeyPurpose.REFRESH)
    tokens = JwtAccessTokens(
        keys.key_set(KeyPurpose.SIGNING),
        refresh_keys,
        issuers=settings.token_issuers,
        audience=AUDIENCE,
        constant_claims=settings.token_claims,
    )
    return IdentitiesPorts(tokens=tokens, refresh_keys=refresh_keys)


def _make_operations_ports(
    settings: Settings, keys: "SecretKeys", database: Database, *, is_service: bool
) -> OperationsPorts:
    from adapters.operations.system import FreeSpaceCheck, HeldHealthCheck
    from entrypoints.parts.version import installed_version

    folders = [folder for folder in settings.file_stores.values() if folder is not None]
    if isinstance(settings.database, SqliteLocation):
        folders.append(settings.database.path.parent)
    return OperationsPorts(
        disk_health=HeldHealthCheck(FreeSpaceCheck(folders)),
        is_database_shared=not isinstance(settings.database, SqliteLocation),
        # A command registers no instance.
        program_version=installed_version() if is_service else "",
        issuers=settings.token_issuers,
        key_rings={purpose.value: keys.key_set(purpose) for purpose in KeyPurpose},
        read_time=database.read_time,
    )
