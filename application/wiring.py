"""From ports to use cases; whoever has the ports, adapters or fakes, wires them here."""

from collections.abc import Collection
from dataclasses import dataclass, field

from application.identities.authenticate import Authenticate
from application.identities.block_phone import BlockPhone
from application.identities.create_user import CreateUser
from application.identities.delete_user import DeleteUser
from application.identities.demote_user import DemoteUser
from application.identities.end_session import EndSession
from application.identities.list_sessions import ListSessions
from application.identities.open_session import OpenSession
from application.identities.promote_user import PromoteUser
from application.identities.read_user import ReadUser
from application.identities.refresh_session import RefreshSession
from application.identities.rename_user import RenameUser
from application.identities.session_tokens import SessionTokens, TokenLifetimes
from application.identities.sign_out import SignOut
from application.identities.sign_out_phone import SignOutPhone
from application.identities.unblock_phone import UnblockPhone
from application.media.categorise_item import CategoriseItem
from application.media.delete_item import DeleteItem
from application.media.doom import Doom
from application.media.find_item import FindItem
from application.media.open_file import OpenFile
from application.media.read_item import ReadItem
from application.media.read_page import ReadPage
from application.media.upload_picture import UploadPicture
from application.operations.check_readiness import CheckReadiness
from application.operations.read_key_set import ReadKeySet
from application.operations.sweep import Sweep
from application.ports.access_tokens import AccessTokens
from application.ports.clock import Clock
from application.ports.images import ImagePublisher
from application.ports.media_files import MediaFiles
from application.ports.message_texts import MessageTexts
from application.ports.messenger import Messenger
from application.ports.peppers import Peppers
from application.ports.probe import Probe
from application.ports.public_keys import PublicKeys
from application.ports.randomness import Randomness
from application.ports.records import Records
from application.ports.refresh_keys import RefreshKeys
from application.ports.security_events import SecurityEvents
from application.sign_in.judge_answer import JudgeAnswer
from application.sign_in.recent_handovers import RecentHandovers
from application.sign_in.record_ask import RecordAsk
from application.sign_in.request_code import RequestCode
from application.sign_in.send_code import SendCode
from application.sign_in.verify_code import VerifyCode
from application.use_cases import UseCases
from domain.sign_in.budgets import SharedLimits
from domain.sign_in.fixed_codes import FixedCodes
from domain.sign_in.send import SendLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside that the use cases reach; the probes tell of files and messenger."""

    records: Records
    media_files: MediaFiles
    media_probe: Probe
    messenger: Messenger
    messenger_probe: Probe
    message_texts: MessageTexts
    image_publisher: ImagePublisher
    tokens: AccessTokens
    public_keys: PublicKeys
    refresh_keys: RefreshKeys
    peppers: Peppers
    events: SecurityEvents
    clock: Clock
    randomness: Randomness


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator decides; `countries` is None when codes go anywhere."""

    countries: Collection[str] | None = None
    lifetimes: TokenLifetimes = field(default_factory=TokenLifetimes)
    send_limits: SendLimits = field(default_factory=SendLimits)
    shared_limits: SharedLimits = field(default_factory=SharedLimits)
    fixed_codes: FixedCodes = FixedCodes()


def wire(ports: Ports, rules: Rules) -> UseCases:
    """Give every use case its ports."""
    records, files, clock = ports.records, ports.media_files, ports.clock
    phones, identities, items = records.phone_records, records.identities, records.media_items
    doom = Doom(items, records.media_leftovers, files, clock)
    session_tokens = SessionTokens(
        ports.tokens, ports.refresh_keys, ports.randomness, rules.lifetimes
    )
    find_item = FindItem(items, records.tombstones)
    return UseCases(
        request_code=RequestCode(
            record_ask=RecordAsk(phones, records.budgets, ports.peppers),
            send_code=SendCode(
                ports.peppers,
                ports.message_texts,
                ports.messenger,
                RecentHandovers(ports.randomness),
            ),
            peppers=ports.peppers,
            clock=clock,
            randomness=ports.randomness,
            events=ports.events,
            countries=rules.countries,
            limits=rules.send_limits,
            shared_limits=rules.shared_limits,
            fixed_codes=rules.fixed_codes,
        ),
        verify_code=VerifyCode(
            judge_answer=JudgeAnswer(
                phone_records=phones,
                budgets=records.budgets,
                identities=identities,
                peppers=ports.peppers,
                randomness=ports.randomness,
                events=ports.events,
                shared_limits=rules.shared_limits,
                fixed_codes=rules.fixed_codes,
            ),
            open_session=OpenSession(phones, identities, ports.randomness),
            budgets=records.budgets,
            session_tokens=session_tokens,
            clock=clock,
            events=ports.events,
            shared_limits=rules.shared_limits,
            fixed_codes=rules.fixed_codes,
        ),
        authenticate=Authenticate(ports.tokens, identities, clock),
        refresh_session=RefreshSession(identities, session_tokens, clock, ports.events),
        list_sessions=ListSessions(clock),
        end_session=EndSession(identities, clock, ports.events),
        sign_out=SignOut(identities, session_tokens, clock, ports.events),
        create_user=CreateUser(identities, phones, clock, ports.randomness),
        read_user=ReadUser(identities),
        rename_user=RenameUser(identities, clock),
        delete_user=DeleteUser(identities, doom, clock, ports.events),
        promote_user=PromoteUser(identities, phones, ports.events),
        demote_user=DemoteUser(identities, phones, ports.events),
        block_phone=BlockPhone(phones, identities, clock, ports.events),
        unblock_phone=UnblockPhone(phones, identities, ports.events),
        sign_out_phone=SignOutPhone(identities, phones, clock, ports.events),
        upload_picture=UploadPicture(
            identities=identities,
            media_items=items,
            media_files=files,
            image_publisher=ports.image_publisher,
            doom=doom,
            clock=clock,
            randomness=ports.randomness,
        ),
        read_page=ReadPage(records.media_pages, records.tombstones, files),
        read_item=ReadItem(find_item, files),
        categorise_item=CategoriseItem(find_item, items, files),
        delete_item=DeleteItem(find_item, doom),
        open_file=OpenFile(items, records.tombstones, files),
        check_readiness=CheckReadiness(records.probe, ports.media_probe, ports.messenger_probe),
        read_key_set=ReadKeySet(ports.public_keys),
        sweep=Sweep(records, files, doom, clock),
    )
