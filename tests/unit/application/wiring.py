"""All use cases over fakes, and the few steps that most tests begin with."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO
from typing import Final

from application.identities.authenticate import Caller
from application.identities.create_user import NewUser
from application.media.shown_item import ShownItem
from application.media.upload_picture import NewPicture
from application.ports.images import ImagePublisher
from application.ports.randomness import Randomness
from application.ports.records import Records
from application.sign_in.request_code import AskForCode, CodeSent
from application.sign_in.verify_code import AnswerWithCode, CodeRejected, SignedIn
from application.use_cases import UseCases
from application.wiring import Ports, Rules, wire
from domain.identities.identity import Identity
from domain.identities.username import parse_username
from domain.phone import PhoneNumber
from domain.sign_in.code import parse_code
from tests.builders import ADDRESS, a_phone
from tests.fakes.access_tokens import FakeAccessTokens
from tests.fakes.clock import MovableClock
from tests.fakes.images import FakeImagePublisher
from tests.fakes.media_files import InMemoryFiles
from tests.fakes.message_texts import FakeMessageTexts
from tests.fakes.messenger import FakeMessenger
from tests.fakes.peppers import FakePeppers
from tests.fakes.public_keys import FakePublicKeys
from tests.fakes.randomness import SeededRandomness
from tests.fakes.records import InMemoryDatabase
from tests.fakes.refresh_keys import FakeRefreshKeys
from tests.fakes.security_events import RecordedEvents
from tests.images import gif, gif_frame

GIF: Final = gif(64, 48, [gif_frame(0, 0, 64, 48)])


# asyncio makes a text of what a fixture gives, and one of all that is kept here takes long.
@dataclass(repr=False)
class House:
    """The service without its walls: use cases, and the fakes that they reach."""

    database: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    records: Records | None = None
    files: InMemoryFiles = field(default_factory=InMemoryFiles)
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    peppers: FakePeppers = field(default_factory=FakePeppers)
    refresh_keys: FakeRefreshKeys = field(default_factory=FakeRefreshKeys)
    events: RecordedEvents = field(default_factory=RecordedEvents)
    clock: MovableClock = field(default_factory=MovableClock)
    rules: Rules = field(default_factory=Rules)
    image_publisher: ImagePublisher = field(default_factory=FakeImagePublisher)
    randomness: Randomness = field(default_factory=SeededRandomness)
    use_cases: UseCases = field(init=False)

    def __post_init__(self) -> None:
        ports = Ports(
            records=self.records or self.database.records(),
            media_files=self.files,
            media_probe=self.files,
            messenger=self.messenger,
            messenger_probe=self.messenger,
            message_texts=FakeMessageTexts(),
            image_publisher=self.image_publisher,
            tokens=FakeAccessTokens(),
            public_keys=FakePublicKeys(),
            refresh_keys=self.refresh_keys,
            peppers=self.peppers,
            events=self.events,
            clock=self.clock,
            randomness=self.randomness,
        )
        self.use_cases = wire(ports, self.rules)

    def wait(self, seconds: float = 0, **span: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds, **span))

    async def ask(self, phone: PhoneNumber | None = None, address: str = ADDRESS) -> CodeSent:
        """Ask for a code."""
        return await self.use_cases.request_code(AskForCode(phone or a_phone(), address))

    async def answer(
        self,
        digits: str,
        phone: PhoneNumber | None = None,
        address: str = ADDRESS,
        request_id: str | None = None,
        device: str | None = None,
        *,
        wants_refresh: bool = False,
    ) -> SignedIn | CodeRejected:
        """Answer with a code."""
        code = parse_code(digits)
        answer = AnswerWithCode(
            phone or a_phone(), code, address, request_id, device, wants_refresh
        )
        return await self.use_cases.verify_code(answer)

    async def sign_in(self, phone: PhoneNumber | None = None) -> Caller:
        """Ask for a code, answer with it, and show the token."""
        return await self.use_cases.authenticate(await self.token(phone))

    async def token(self, phone: PhoneNumber | None = None) -> str:
        """The token of a new session, twelve hours later, so that no budget is in the way."""
        self.wait(hours=12)
        await self.ask(phone)
        signed_in = await self.answer(self.messenger.messages[-1].code, phone)
        assert isinstance(signed_in, SignedIn)
        return signed_in.tokens.access_token

    async def user(self, phone: PhoneNumber | None = None, name: str = "Rahul Sharma") -> Caller:
        """Sign in and become a user."""
        caller = await self.sign_in(phone)
        return replace(caller, identity=await self.create(caller, name))

    async def administrator(self, phone: PhoneNumber | None = None) -> Caller:
        """Sign in and be promoted."""
        caller = await self.sign_in(phone)
        promoted = await self.use_cases.promote_user(caller.identity.id)
        return replace(caller, identity=promoted)

    async def create(
        self, caller: Caller, name: str = "Rahul Sharma", phone: PhoneNumber | None = None
    ) -> Identity:
        """Have the caller become a user, or make one of another phone."""
        own = caller.identity.phone
        assert own is not None
        return await self.use_cases.create_user(NewUser(caller, parse_username(name), phone or own))

    async def upload(
        self,
        caller: Caller,
        content: bytes = GIF,
        owner: str | None = None,
        category: str | None = None,
    ) -> ShownItem:
        """Upload a picture."""
        picture = NewPicture(caller, owner or caller.identity.id, BytesIO(content), category)
        return await self.use_cases.upload_picture(picture)


def not_this(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06d}"
