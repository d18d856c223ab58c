"""All use cases over fakes, and the few steps that most tests begin with."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO
from typing import Final

from application.identities.users import CreateUserCommand
from application.media.library import LibraryItem
from application.media.upload_image import UploadImageCommand
from application.otp.request_otp import RequestOtpCommand, RequestOtpResult
from application.otp.verify_otp import LoggedIn, OtpRejected, VerifyOtpCommand
from application.ports.images import ImagePublisher
from application.ports.repositories import Repositories
from application.ports.system import Randomness
from application.principal import Principal
from application.use_cases import UseCases
from application.wiring import Policy, Ports, build_use_cases
from domain.identities.identity import Identity
from domain.identities.username import parse_username
from domain.otp.challenge import parse_otp_code
from domain.phone import PhoneNumber
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.fakes.access_tokens import FakeAccessTokens
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.images import FakeImagePublisher
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.peppers import FakePeppers
from tests.support.fakes.public_keys import FakePublicKeys
from tests.support.fakes.randomness import SeededRandomness
from tests.support.fakes.records import InMemoryDatabase
from tests.support.fakes.refresh_keys import FakeRefreshKeys
from tests.support.fakes.security_events import FakeSecurityEvents
from tests.support.fakes.sms_templates import FakeSmsTemplates
from tests.support.images import gif, gif_frame

GIF: Final = gif(64, 48, [gif_frame(0, 0, 64, 48)])


# asyncio makes a text of what a fixture gives, and one of all that is kept here takes long.
@dataclass(repr=False)
class House:
    """The service without its walls: use cases, and the fakes that they reach."""

    database: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    records: Repositories | None = None
    files: InMemoryFiles = field(default_factory=InMemoryFiles)
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    otp_keys: FakePeppers = field(default_factory=FakePeppers)
    refresh_keys: FakeRefreshKeys = field(default_factory=FakeRefreshKeys)
    events: FakeSecurityEvents = field(default_factory=FakeSecurityEvents)
    clock: MovableClock = field(default_factory=MovableClock)
    rules: Policy = field(default_factory=Policy)
    image_publisher: ImagePublisher = field(default_factory=FakeImagePublisher)
    randomness: Randomness = field(default_factory=SeededRandomness)
    use_cases: UseCases = field(init=False)

    def __post_init__(self) -> None:
        ports = Ports(
            repositories=self.records or self.database.records(),
            media_files=self.files,
            media_health=self.files,
            messenger=self.messenger,
            messenger_health=self.messenger,
            sms_templates=FakeSmsTemplates(),
            image_publisher=self.image_publisher,
            tokens=FakeAccessTokens(),
            public_keys=FakePublicKeys(),
            refresh_keys=self.refresh_keys,
            otp_keys=self.otp_keys,
            events=self.events,
            clock=self.clock,
            randomness=self.randomness,
        )
        self.use_cases = build_use_cases(ports, self.rules)

    def wait(self, seconds: float = 0, **span: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds, **span))

    async def ask(
        self, phone: PhoneNumber | None = None, address: str = CLIENT_IP
    ) -> RequestOtpResult:
        """Ask for a code."""
        return await self.use_cases.request_otp(RequestOtpCommand(phone or a_phone(), address))

    async def answer(
        self,
        digits: str,
        phone: PhoneNumber | None = None,
        address: str = CLIENT_IP,
        request_id: str | None = None,
        device: str | None = None,
        *,
        wants_refresh: bool = False,
    ) -> LoggedIn | OtpRejected:
        """Answer with a code."""
        code = parse_otp_code(digits)
        answer = VerifyOtpCommand(
            phone or a_phone(), code, address, request_id, device, wants_refresh
        )
        return await self.use_cases.verify_otp(answer)

    async def sign_in(self, phone: PhoneNumber | None = None) -> Principal:
        """Ask for a code, answer with it, and show the token."""
        return await self.use_cases.authenticate(await self.token(phone))

    async def token(self, phone: PhoneNumber | None = None) -> str:
        """The token of a new session, twelve hours later, so that no budget is in the way."""
        self.wait(hours=12)
        await self.ask(phone)
        signed_in = await self.answer(self.messenger.messages[-1].code, phone)
        assert isinstance(signed_in, LoggedIn)
        return signed_in.tokens.access_token

    async def user(self, phone: PhoneNumber | None = None, name: str = "Rahul Sharma") -> Principal:
        """Sign in and become a user."""
        principal = await self.sign_in(phone)
        return replace(principal, identity=await self.create(principal, name))

    async def administrator(self, phone: PhoneNumber | None = None) -> Principal:
        """Sign in and be promoted."""
        principal = await self.sign_in(phone)
        promoted = await self.use_cases.promote_user(principal.identity.id)
        return replace(principal, identity=promoted)

    async def create(
        self, principal: Principal, name: str = "Rahul Sharma", phone: PhoneNumber | None = None
    ) -> Identity:
        """Have the caller become a user, or make one of another phone."""
        own = principal.identity.phone
        assert own is not None
        return await self.use_cases.create_user(
            CreateUserCommand(principal, parse_username(name), phone or own)
        )

    async def upload(
        self,
        principal: Principal,
        content: bytes = GIF,
        owner: str | None = None,
        category: str | None = None,
    ) -> LibraryItem:
        """Upload a picture."""
        picture = UploadImageCommand(
            principal, owner or principal.identity.id, BytesIO(content), category
        )
        return await self.use_cases.upload_image(picture)


def not_this(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06d}"
