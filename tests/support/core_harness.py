"""The use cases of the core over fakes, and the steps that most tests begin with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

from adapters.databases.records.database import Database
from application.additions import Additions
from application.administration.use_cases import AdministrationUseCases, UserDetailsUseCases
from application.code_derivation import CodeDerivation
from application.core_ports import CorePorts, SecurityEventListeners
from application.identities.use_cases import IdentitiesPolicy, IdentitiesPorts, IdentityUseCases
from application.opened import Opened, build_core, make_use_cases
from application.operations.check_readiness import CheckedPart
from application.operations.use_cases import OperationsPorts, OperationsUseCases
from application.otp.deliver_code import SendNotice
from application.otp.delivery_status import ReportedDelivery
from application.otp.log_in import LoggedIn, OtpRejected, VerifyOtpCommand
from application.otp.request_otp import RequestOtpCommand, RequestOtpResult
from application.otp.use_cases import (
    LimitPorts,
    LimitUseCases,
    OtpPolicy,
    OtpPorts,
    OtpUseCases,
    make_send_notice,
)
from application.ports.keyed_hashes import KeyedHashes
from application.ports.system import Randomness, SystemPorts
from application.ports.webhooks import StatusCallbacks
from application.principal import Principal
from application.use_cases import UseCases
from application.webhook_urls import PhoneLabels, WebhookUrls
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.username import parse_username
from domain.otp.challenge import Challenge, parse_otp_code
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber
from tests.support.builders import CLIENT_IP, a_phone, change_parts
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.fakes.randomness import SeededRandomness
from tests.support.fakes.security_events import FakeSecurityEvents
from tests.support.fakes.sms_templates import FakeSmsTemplates
from tests.support.fault_injector import FaultInjector
from tests.support.keys import FakeKeyRing, access_tokens
from tests.support.repositories import OpenRepositories

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")
T = TypeVar("T")

WEBHOOK_URLS: Final = WebhookUrls("https://dialtone.example.org")
A_MESSAGE: Final = ReportedDelivery(
    labels=PhoneLabels("", ""), channel=Channel.SMS, provider="acme", provider_message_id="SM1"
)
"""What a report says of a message, besides its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorePolicy:
    """What the operator decides about the core."""

    identities: IdentitiesPolicy = field(default_factory=IdentitiesPolicy)
    otp: OtpPolicy = OtpPolicy()


def make_core_policy(**decisions: Any) -> CorePolicy:
    """Return a policy. Each decision goes to the parts that have its name."""
    return change_parts(CorePolicy(), decisions)


class Part(Generic[T]):
    """The use cases of one kind, as an attribute of a harness."""

    def __init__(self, path: str, kind: type[T]) -> None:
        self._path, self._kind = path.split("."), kind

    def __get__(self, app: "CoreHarness", _: object = None) -> T:
        name, *attributes = self._path
        found = app.use_cases.features[name]
        for attribute in attributes:
            found = getattr(found, attribute)
        assert isinstance(found, self._kind)
        return found


# pytest-asyncio calls repr() on fixtures, and that of a whole database takes long.
@dataclass(repr=False)
class CoreHarness:
    """The use cases of the core, and the fakes behind their ports. No feature is open.

    `repositories` replaces those of `database`. `faults` acts on the database. The options of a
    step are those of its command.
    """

    faults: FaultInjector = field(default_factory=FaultInjector)
    database: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    repositories: OpenRepositories | None = None
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    peppers: FakeKeyRing = field(default_factory=FakeKeyRing)
    refresh_keys: FakeKeyRing = field(default_factory=FakeKeyRing)
    events: FakeSecurityEvents = field(default_factory=FakeSecurityEvents)
    clock: MovableClock = field(default_factory=MovableClock)
    policy: CorePolicy = field(default_factory=make_core_policy)
    randomness: Randomness = field(default_factory=SeededRandomness)
    keyed_hashes: KeyedHashes = field(default_factory=FakePhoneEncryption)
    status_callbacks: Mapping[str, StatusCallbacks] = field(default_factory=dict)
    additions: Additions = Additions()
    use_cases: UseCases = field(init=False)

    def adding(self, **additions: Any) -> Self:
        """Return a harness over the same fakes, whose core has these additions too."""
        return replace(self, additions=replace(self.additions, **additions))

    @property
    def limits(self) -> LimitUseCases:
        return self.use_cases.limits

    @property
    def user_details(self) -> UserDetailsUseCases:
        return self.use_cases.user_details

    @property
    def otp(self) -> OtpUseCases:
        return self.use_cases.otp

    def __post_init__(self) -> None:
        self.database.faults = self.faults
        self.listeners = SecurityEventListeners(self.events)
        core_ports = CorePorts(
            system=SystemPorts(clock=self.clock, randomness=self.randomness, events=self.listeners),
            repositories=self.repositories or self.database.repositories(),
            keyed_hashes=self.keyed_hashes,
            policy=self.policy.identities,
        )
        store = self.stores.limits if self.stores else self.database.limit_store()
        limits = LimitPorts(store=store, codes=self.codes, policy=self.policy.otp)
        otp = OtpPorts(
            messenger=self.messenger,
            sms_templates=FakeSmsTemplates(),
            status_callbacks=self.status_callbacks,
            handshakes={},
        )
        opened = self._open_features(core_ports, make_send_notice(core_ports, limits, otp))
        messages = CheckedPart(self.messenger, is_of_provider=True)
        self.use_cases = build_core(
            core_ports,
            IdentitiesPorts(tokens=access_tokens(), refresh_keys=self.refresh_keys),
            OperationsPorts(),
            limits=limits,
            otp=otp,
            listeners=self.listeners,
            additions=[Additions(checked_parts={"messages": messages}), self.additions],
            opened=opened,
        )
        make_use_cases(self.use_cases, opened)

    def _open_features(
        self, core_ports: CorePorts, send_notice: SendNotice
    ) -> dict[str, Opened[Any]]:
        """Open features, before the core is built."""
        del core_ports, send_notice
        return {}

    @property
    def stores(self) -> Database | None:
        """The stores of `repositories`; None for those of `database`."""
        return self.repositories.stores if self.repositories else None

    def _make(self, make: Callable[[Database], R]) -> R:
        """Make the repositories of a feature. Calls of those in memory may fail."""
        if self.stores is not None:
            return make(self.stores)
        return self.database.fallible(make(self.database.stores))

    def _make_one(self, make: Callable[[Database], T]) -> T:
        """Make the only repository of a feature."""
        if self.stores is not None:
            return make(self.stores)
        port: T = self.database.fallible_port(make(self.database.stores))
        return port

    @property
    def identities(self) -> IdentityUseCases:
        return self.use_cases.identities

    @property
    def operations(self) -> OperationsUseCases:
        return self.use_cases.operations

    @property
    def administration(self) -> AdministrationUseCases:
        return self.use_cases.administration

    def advance(self, seconds: float = 0, **duration: float) -> None:
        self.clock.advance(timedelta(seconds=seconds, **duration))

    @property
    def last_code(self) -> str:
        return self.messenger.messages[-1].code

    async def request_otp(
        self,
        phone: PhoneNumber | None = None,
        client_ip: str = CLIENT_IP,
        channel: Channel | None = Channel.SMS,
        **options: Any,
    ) -> RequestOtpResult:
        return await self.otp.request_otp(
            RequestOtpCommand(phone or a_phone(), client_ip, channel, **options)
        )

    def labels_of(self, phone: PhoneNumber) -> PhoneLabels:
        """Return what the URL of a report says of a phone today."""
        today = self.clock.now().date()
        return PhoneLabels(phone.country, self.keyed_hashes.hash_phone_of_day(phone, today))

    @property
    def codes(self) -> CodeDerivation:
        return CodeDerivation(self.peppers, self.policy.identities.fixed_codes)

    def code_of(self, challenge: Challenge, phone: PhoneNumber | None = None) -> str:
        return self.codes.derive(challenge, phone or a_phone()).digits

    async def verify_otp(
        self,
        digits: str,
        phone: PhoneNumber | None = None,
        client_ip: str = CLIENT_IP,
        **options: Any,
    ) -> LoggedIn | OtpRejected:
        phone, otp = phone or a_phone(), parse_otp_code(digits)
        return await self.otp.verify_otp(
            VerifyOtpCommand(phone, otp, client_ip, with_device_token=True, **options)
        )

    async def log_in(self, phone: PhoneNumber | None = None) -> Principal:
        """Log in with a code, and authenticate with the access token."""
        return await self.identities.authenticate(await self.access_token(phone))

    async def access_token(self, phone: PhoneNumber | None = None) -> str:
        return (await self.open_session(phone)).tokens.access_token

    async def open_session(
        self,
        phone: PhoneNumber | None = None,
        device_token: DeviceToken | None = None,
        **options: Any,
    ) -> LoggedIn:
        """Log in twelve hours later, when no rate limit applies."""
        self.advance(hours=12)
        await self.request_otp(phone, device_token=device_token)
        result = await self.verify_otp(self.last_code, phone, device_token=device_token, **options)
        assert isinstance(result, LoggedIn)
        return result

    async def add_user(
        self, phone: PhoneNumber | None = None, username: str = "Rahul Sharma"
    ) -> Principal:
        principal = await self.log_in(phone)
        return replace(principal, identity=await self.create_user(principal, username))

    async def add_administrator(self, phone: PhoneNumber | None = None) -> Principal:
        """Log in, become an administrator, and log in again."""
        principal = await self.log_in(phone)
        await self.identities.operator_actions.change_role(
            principal.identity.id, Role.ADMINISTRATOR
        )
        return await self.log_in(phone)

    async def create_user(
        self, principal: Principal, username: str = "Rahul Sharma", phone: PhoneNumber | None = None
    ) -> Identity:
        """Create the user of the principal's phone, or of another."""
        own_phone = principal.identity.phone
        assert own_phone is not None
        return await self.identities.create_user(
            principal, parse_username(username), phone or own_phone
        )


def wrong_code(code: str, number: int = 1) -> str:
    """Return another code, a different one for each number."""
    return f"{(int(code) + number) % 1_000_000:06d}"
