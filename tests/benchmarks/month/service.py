"""The service of the month: all use cases, with the decisions of one operator."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from adapters.failover import FailoverMessenger, FailoverProvider
from adapters.records.features.budgets import make_budgets_repositories
from adapters.records.features.conversion import make_conversion_repositories
from application.budgets.delivery_costs import DeliveryCosts
from application.budgets.feature import BudgetsFeature
from application.conversion.feature import ConversionFeature
from application.identities.login import LoggedIn
from application.otp.codes import OtpCodes
from application.otp.provider_pause import ProviderPause
from application.otp.request_otp import RequestOtpCommand, RequestOtpResult
from application.ports.otp import DeliveryResult, TextMessage
from application.ports.security_events import SecurityEvent
from application.pumping.feature import PumpingFeature
from application.whatsapp.feature import (
    WhatsAppFeature,
    WhatsAppPorts,
    WhatsAppRecordsFeature,
)
from domain.attestation.errors import AttestationRequired
from domain.budgets.budgets import Budget, Budgets
from domain.costs.prices import PriceList
from domain.errors import DomainError
from domain.identities.device_token import DeviceToken
from domain.otp.channel_order import ChannelOrder
from domain.otp.delivery import Channel
from domain.otp.rate_limits import RateLimits
from domain.phone import PhoneNumber
from tests.benchmarks.month.countries import (
    BY_CODE,
    CHANNEL_OF,
    COUNTRIES,
    FIRST_SMS,
    SECOND_SMS,
    WHATSAPP,
)
from tests.benchmarks.month.ledger import HONEST, Client, Ledger, Sent
from tests.benchmarks.month.providers import INCIDENTS, SimulatedProvider
from tests.benchmarks.month.quick_database import open_quick_repositories
from tests.support.app_harness import AppHarness
from tests.support.fakes.attestation import FakeAttestation, solve
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.randomness import SeededRandomness
from tests.support.fakes.security_events import FakeSecurityEvents
from tests.support.inbound_call import make_phone_line

MILLION: Final = 1_000_000
LIMITS: Final = RateLimits(has_attested_part=True)
PRICE_OF_CALL: Final = 50_000
"""US dollars in millionths: of a minute of a call with a code."""
PRICES: Final = PriceList(
    "USD",
    {(country.code, Channel.SMS): country.prices[FIRST_SMS] for country in COUNTRIES}
    | {(country.code, Channel.VOICE): PRICE_OF_CALL for country in COUNTRIES},
    {
        (country.code, CHANNEL_OF[provider], provider): price
        for country in COUNTRIES
        for provider, price in country.prices.items()
    },
)
PROVIDERS: Final = {
    Channel.SMS: (FIRST_SMS, SECOND_SMS),
    Channel.WHATSAPP: (WHATSAPP,),
    Channel.VOICE: ("line",),
}
BUDGETS: Final = Budgets(
    (
        Budget("", 1_500 * MILLION, 5_000 * MILLION),
        *(Budget(country.code, country.dollars_a_day * MILLION, None) for country in COUNTRIES),
    )
)
"""Of all countries, with a hard end, and of each, without one."""
CHANNELS: Final = ChannelOrder(
    others=(Channel.SMS,),
    by_country=tuple(
        (country.code, (Channel.WHATSAPP, Channel.SMS))
        for country in COUNTRIES
        if country.sends_whatsapp
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """The result of a request for a code: the message, if one was sent, or what rejected it."""

    result: RequestOtpResult | None = None
    sent: Sent | None = None
    reason: str = ""
    used_proof: bool = False


class MonthService:
    """The service, and its clock. It keeps all messages in `ledger`."""

    def __init__(self, month: datetime, seed: str, begin: datetime) -> None:
        """Open the service at a time before the month begins."""
        self.ledger = Ledger()
        self.clock = MovableClock(begin)
        self._by, self._client = HONEST, Client.UNPROVEN
        self._known_warnings = set[str]()
        self._last: dict[PhoneNumber, Sent] = {}
        self._open: defaultdict[PhoneNumber, list[Sent]] = defaultdict(list)
        incidents = [(one.begin(month), one.end(month), one) for one in INCIDENTS]
        providers = [
            SimulatedProvider(name, self.clock, incidents, self._deliver, seed)
            for name in CHANNEL_OF
        ]
        by_sms = [one for one in providers if CHANNEL_OF[one.name] is Channel.SMS]
        by_whatsapp = [one for one in providers if CHANNEL_OF[one.name] is Channel.WHATSAPP]
        self.events = _Alerts(self.ledger, self.clock)
        self.attestation = FakeAttestation()
        # The harness opens all features. What the operator decides about them is here.
        self.harness = AppHarness(
            repositories=open_quick_repositories(),
            messenger=_Providers(by_sms, self.events, self.clock),
            events=self.events,
            clock=self.clock,
            randomness=SeededRandomness(sum(seed.encode())),
            policy=make_phone_line(
                sms_provider=FIRST_SMS, rate_limits=LIMITS, channels=CHANNELS, prices=PRICES
            ),
            attestation=self.attestation,
        )
        self._open_whatsapp(_Providers(by_whatsapp, self.events, self.clock))
        self._open_budgets()
        assert self.harness.stores is not None
        self._conversion_repositories = make_conversion_repositories(self.harness.stores)

    def _open_whatsapp(self, messenger: FakeMessenger) -> None:
        core = self.harness.use_cases
        WhatsAppFeature(
            core,
            core.of(WhatsAppRecordsFeature),
            WhatsAppPorts(messenger=messenger, status_callbacks={}, handshakes={}),
            OtpCodes(self.harness.peppers, self.harness.policy.otp.test_otps),
            webhook_urls=None,
        )

    def _open_budgets(self) -> None:
        core, stores = self.harness.use_cases, self.harness.stores
        assert stores is not None
        costs = DeliveryCosts(
            prices=PRICES, providers_of=PROVIDERS.__getitem__, free_providers=(), max_parts=1
        )
        core.add(BudgetsFeature(core, make_budgets_repositories(stores), BUDGETS, costs))

    @property
    def now(self) -> datetime:
        """The simulated time."""
        return self.clock.now()

    def move_to(self, time: datetime) -> None:
        """Move the clock forward."""
        self.clock.advance(max(timedelta(0), time - self.now))

    async def clean_up(self) -> None:
        """Delete what has expired, as the cleanup does."""
        await self.harness.limits.limit_store.delete_expired(self.now, MILLION)
        conversion = self._conversion_repositories
        await conversion.minutes.delete_expired(self.now, MILLION)
        await conversion.hours.delete_expired(self.now, MILLION)

    async def update(self) -> None:
        """Do what the service does every few seconds in the background."""
        use_cases = self.harness.use_cases
        conversion = use_cases.of(ConversionFeature)
        await conversion.update()
        for left in conversion.choice.states.left:
            self._warn(f"{left.key} {left.left_at}", f"{left.provider} left in {left.country}")
        pumping = use_cases.of(PumpingFeature)
        await pumping.update()
        for warning in await pumping.list():
            subject = "a range" if warning.number_range else "the country"
            self._warn(warning.id, f"pumping of {subject} in {warning.country}")

    def _warn(self, warning_id: str, text: str) -> None:
        """Note a warning to operators, once."""
        if warning_id not in self._known_warnings:
            self._known_warnings.add(warning_id)
            self.ledger.alerts.append((self.now, text))

    async def request(
        self,
        phone: PhoneNumber,
        client_ip: str,
        client: Client,
        *,
        by: str = HONEST,
        device_token: DeviceToken | None = None,
        sends_proof: bool = False,
        channel: Channel | None = None,
    ) -> Requested:
        """Request a code, and request it again with a proof where one is asked for."""
        self._by, self._client = by, client
        before = self._last.get(phone)
        command = RequestOtpCommand(
            phone,
            client_ip,
            channel,
            device_token=device_token,
            accepts_attestation=sends_proof,
        )
        request_otp, used_proof = self.harness.otp.request_otp, False
        try:
            try:
                result = await request_otp(command)
            except AttestationRequired as required:
                used_proof = True
                result = await request_otp(replace(command, proof=solve(required)))
        except DomainError as error:
            return Requested(reason=_name(error), used_proof=used_proof)
        # What the response does not wait for: the next channel.
        await self.harness.otp.deliver_in_order.finish()
        sent = self._last.get(phone)
        if sent is before:
            return Requested(result=result, used_proof=used_proof)
        assert sent is not None
        loaded = await self.harness.use_cases.repositories.phone_verifications.load(phone)
        permits = loaded.value.deliveries[-1].permits
        if permits is not None:
            sent.parts = {used.group: used.part for used in permits.parts}
        return Requested(result=result, sent=sent, used_proof=used_proof)

    async def enter(
        self,
        sent: Sent,
        client_ip: str,
        request_id: str | None,
        device_token: DeviceToken | None = None,
        *,
        code: str = "",
    ) -> LoggedIn | None:
        """Enter the code of a message, or another one. None if it is rejected."""
        try:
            result = await self.harness.verify_otp(
                code or sent.code,
                sent.phone,
                client_ip,
                request_id=request_id,
                device_token=device_token,
            )
        except DomainError:
            return None
        if not isinstance(result, LoggedIn):
            return None
        self._release(sent)
        return result

    def _release(self, entered: Sent) -> None:
        """Note that a login gave back what all messages with its code hold."""
        for sent in self._open.pop(entered.phone, ()):
            if sent.code == entered.code:
                sent.released_at = self.now

    async def guess(self, sent: Sent, client_ip: str, request_id: str, code: str) -> bool:
        """Enter a wrong code. Return whether it was looked at."""
        try:
            await self.harness.verify_otp(code, sent.phone, client_ip, request_id=request_id)
        except DomainError:
            return False
        return True

    async def call_back(self, phone: PhoneNumber, by: str) -> None:
        """Let a caller with this number ask for a call with a code, and count the call."""
        is_called = await self.harness.request_callback(phone)
        self.ledger.requests[by, "taken" if is_called else "not called back"] += 1
        if is_called:
            self.ledger.sent.append(
                Sent(
                    at=self.now,
                    phone=phone,
                    country=phone.country,
                    channel=Channel.VOICE,
                    provider="line",
                    price=PRICE_OF_CALL,
                    code="",
                    arrives_at=self.now,
                    by=by,
                    client=Client.UNPROVEN,
                )
            )

    def _deliver(
        self, provider: str, phone: PhoneNumber, code: str, arrives_at: datetime | None
    ) -> None:
        country = BY_CODE[phone.country]
        sent = Sent(
            at=self.now,
            phone=phone,
            country=country.code,
            channel=CHANNEL_OF[provider],
            provider=provider,
            price=country.prices[provider],
            code=code,
            arrives_at=arrives_at,
            by=self._by,
            client=self._client,
        )
        self._last[phone] = sent
        self._open[phone].append(sent)
        self.ledger.sent.append(sent)


class _Providers(FakeMessenger):
    """The providers in the order of the operator, as the service has them."""

    def __init__(
        self,
        providers: Sequence[SimulatedProvider],
        events: FakeSecurityEvents,
        clock: MovableClock,
    ) -> None:
        super().__init__()
        self._failover = FailoverMessenger(
            [FailoverProvider(one.name, one, ProviderPause(clock)) for one in providers],
            events,
            now=lambda: clock.now().timestamp(),
        )
        self.names = self._failover.names

    async def send(
        self, phone: PhoneNumber, message: TextMessage, order: Sequence[str] = ()
    ) -> DeliveryResult:
        return await self._failover.send(phone, message, order)


class _Alerts(FakeSecurityEvents):
    """Counts the events of a month, and keeps those that are none of one phone."""

    def __init__(self, ledger: Ledger, clock: MovableClock) -> None:
        super().__init__()
        self._ledger = ledger
        self._clock = clock

    def record(self, event: SecurityEvent) -> None:
        """Keep the time of an event that is about no phone."""
        if getattr(event, "phone", None) is None:
            self._ledger.alerts.append((self._clock.now(), type(event).__name__))


def _name(error: DomainError) -> str:
    limit = getattr(error, "limit", "")
    return f"{type(error).__name__} {limit}".strip()
