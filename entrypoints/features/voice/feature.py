"""The phone line, and codes that are read out in a call."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from adapters.databases.records.features.voice import KINDS, make_voice_repositories
from application.additions import Additions, merge
from application.features.voice.ports import RecordingFile, Recordings, VoicePorts, VoiceProvider
from application.opened import Opened
from application.ports.errors import ConfigurationError, PortError
from application.ports.webhooks import coverage_of
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from entrypoints.features.feature import Feature
from entrypoints.features.voice.providers import PHONE_PROVIDERS, PhoneProvider, caller_id_of
from entrypoints.parts.factories import health_check_of, open_adapter
from entrypoints.settings import parsers
from entrypoints.settings.adapter_parsers import one_of
from entrypoints.settings.declaration import by_profile, limit, setting
from entrypoints.settings.providers import TWILIO, Provider, provider_name
from entrypoints.settings.rules import Check, Library, Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError, name_variable
from entrypoints.settings.values import Factory, HttpHook

if TYPE_CHECKING:
    from application.features.voice.call_log import CallsPolicy
    from application.features.voice.call_urls import CallUrls
    from application.features.voice.feature import Voice, VoicePolicy
    from application.otp.use_cases import OtpPolicy
    from application.use_cases import UseCases
    from domain.features.voice.call_texts import CallTexts
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.parts.composition import Composition


@dataclass(frozen=True, slots=True)
class RecordingsOnDemand:
    """Open the provider for each recording, and load nothing of it before: there may be none."""

    open_provider: Callable[[], AbstractAsyncContextManager[Recordings]]

    @asynccontextmanager
    async def open_recording(self, recording_id: str) -> AsyncIterator[RecordingFile]:
        async with (
            self.open_provider() as recordings,
            recordings.open_recording(recording_id) as recording,
        ):
            yield recording

    async def delete_recording(self, recording_id: str) -> None:
        async with self.open_provider() as recordings:
            await recordings.delete_recording(recording_id)


_HOUR: Final = timedelta(hours=1)
CALLS_PER_COUNTRY: Final = by_profile(
    SlidingWindow(50, _HOUR), SlidingWindow(200, _HOUR), SlidingWindow(2_000, _HOUR)
)
"""Calls with a code. Each counts as a message too, and costs more than one, so they are a fifth, or
a quarter, of the messages that did not lead to a login."""
PARALLEL_LINES: Final = by_profile(3, 10, 100)
"""Callers who talk to the line operator at the same time: a tenth of the calls connected in
an hour, so on each line ten calls of six minutes can follow each other."""


_CallLimit = Annotated[SlidingWindow, parsers.rate_limit(50_000)]
# A call comes from a number: https://www.twilio.com/docs/voice/api/call-resource
_parse_caller_id = parsers.pattern(
    r"\+[1-9][0-9]{6,14}", "Must be a number with + and country code."
)


def _voice_of_sms(sms: Sequence[object], twilio_voice_from: str, twilio_from: str) -> str:
    has_number = TWILIO in sms and caller_id_of(twilio_voice_from, twilio_from)
    return provider_name(TWILIO if has_number else None)


@dataclass(frozen=True, kw_only=True)
class VoiceSettings(Settings):
    """The provider, texts, limits and retention of calls."""

    twilio_voice_from: Annotated[str, _parse_caller_id] = setting(
        "Number that calls come from; by default TWILIO_FROM, if it is a number with +.",
        vendor="twilio",
        example="+15005550006",
    )
    voice: Annotated[
        PhoneProvider | Factory | None,
        one_of({known.name: known for known in PHONE_PROVIDERS} | {provider_name(None): None}),
    ] = setting(
        "Provider of calls: twilio, none or package.module:factory; by default as in DIALTONE_SMS.",
        derived=_voice_of_sms,
        names="providers",
        example="twilio",
    )
    call_texts: Path | None = setting(
        "TOML file with texts and words of the phone line in further languages, see docs/voice.md.",
        example="/etc/dialtone/call_texts.toml",
    )
    operator: PhoneNumber | None = setting(
        "Number that callers of the phone line are connected to; without it there is no connection."
    )
    inbound_limit_total: _CallLimit = limit(
        "Calls that the phone line answers in an hour; further ones hear a busy tone.",
        "200/1h",
        "1000/1h",
        "10000/1h",
    )
    operator_limit_total: _CallLimit = limit(
        "Calls of all numbers that are connected to DIALTONE_OPERATOR in an hour.",
        "30/1h",
        "100/1h",
        "1000/1h",
    )
    call_retention: Annotated[timedelta, parsers.duration("1h", "3650d")] = setting(
        "Time after which a call is deleted from the call log.", "90d"
    )
    recording_retention: Annotated[timedelta, parsers.duration("1h", "3650d")] = setting(
        "Time after which the recording of a call is deleted, here and at the provider.", "30d"
    )

    @property
    def providers(self) -> tuple[Provider | Factory | HttpHook, ...]:
        match self.voice:
            case None:
                return super().providers
            case PhoneProvider(provider=provider) | (Factory() as provider):
                return (*super().providers, provider)

    @property
    def voice_provider(self) -> str:
        return (
            self.voice.name if isinstance(self.voice, PhoneProvider) else provider_name(self.voice)
        )

    @property
    def has_phone_line(self) -> bool:
        return self.voice is not None

    @property
    def twilio_caller_id(self) -> str:
        return caller_id_of(self.twilio_voice_from, self.twilio_from)

    @property
    def caller_id(self) -> str:
        """The number that calls come from, empty if only the provider knows it."""
        return self.twilio_caller_id if isinstance(self.voice, PhoneProvider) else ""

    def otp_policy(self, *, are_messages_reported: bool) -> "OtpPolicy":
        policy = super().otp_policy(are_messages_reported=are_messages_reported)
        calls_per_country = CALLS_PER_COUNTRY[self.limits]
        rate_limits = replace(policy.rate_limits, calls_per_country=calls_per_country)
        return replace(policy, rate_limits=rate_limits)

    def calls_policy(self) -> "CallsPolicy":
        from application.features.voice.call_log import CallsPolicy

        return CallsPolicy(
            call_retention=self.call_retention, recording_retention=self.recording_retention
        )

    def voice_policy(self, call_texts: "CallTexts") -> "VoicePolicy":
        # Imported only here: without a phone line, nothing of it is loaded.
        from application.features.voice.call_urls import CallUrls
        from application.features.voice.feature import VoicePolicy
        from domain.features.voice.instructions import CallLimits

        return VoicePolicy(
            call_texts=call_texts,
            call_limits=CallLimits(
                total=self.inbound_limit_total,
                line_operator_total=self.operator_limit_total,
                lines=PARALLEL_LINES[self.limits],
            ),
            line_operator=self.operator,
            caller_id=self.caller_id,
            call_urls=CallUrls(self.public_url) if self.is_set("DIALTONE_PUBLIC_URL") else None,
            provider=self.voice_provider,
        )


def load_call_texts(settings: VoiceSettings) -> "CallTexts":
    """Load the texts and words of the phone line, and validate them as a whole."""
    from adapters.calls.call_texts import InvalidCallTexts, read_call_texts
    from entrypoints.parts.operator_files import invalid_file

    variable, path = "DIALTONE_CALL_TEXTS", settings.call_texts
    try:
        return read_call_texts(path, settings.app_name)
    except InvalidCallTexts as error:
        prefix = f"{variable}: " if path else ""
        lines = [f"{prefix}{line}." for line in error.lines]
        raise invalid_file(lines, VoiceSettings, variable, path) from error


def _check_line(
    voice: PhoneProvider | Factory | None, is_set: Callable[[str], bool]
) -> Iterator[Problem]:
    if voice is not None and not is_set("DIALTONE_PUBLIC_URL"):
        text = "Must be set if there is a phone line: the provider sends requests here."
        yield Problem("DIALTONE_PUBLIC_URL", text)


def _check_caller_id(
    voice: PhoneProvider | Factory | None, twilio_voice_from: str, twilio_from: str
) -> Iterator[Problem]:
    has_number = caller_id_of(twilio_voice_from, twilio_from)
    if isinstance(voice, PhoneProvider) and not has_number:
        text = f"Must be set if DIALTONE_VOICE is {voice.name}: calls come from it."
        yield Problem("TWILIO_VOICE_FROM", text)


def _check_retention(
    recording_retention: timedelta, call_retention: timedelta
) -> Iterator[Problem]:
    if recording_retention > call_retention:
        text = "Must not be longer than DIALTONE_CALL_RETENTION."
        hours = call_retention // timedelta(hours=1)
        yield Problem("DIALTONE_RECORDING_RETENTION", text, example=f"{hours}h")


@asynccontextmanager
async def open_voice(settings: Settings) -> AsyncIterator[VoicePorts | None]:
    """Open the provider of the phone line until the block ends; None without a provider."""
    match settings.of(VoiceSettings).voice:
        case None:
            yield None
        case Factory() as factory:
            environ = settings.variables.values
            async with open_adapter(
                factory, "DIALTONE_VOICE", VoiceProvider, environ=environ
            ) as adapter:
                yield VoicePorts(adapter, adapter, adapter, adapter)
        case PhoneProvider() as provider:
            async with provider.open_voice(settings) as ports:
                yield ports


def find_recordings(settings: Settings, voice: VoicePorts | None) -> Recordings | None:
    """Return the store of recordings. A former phone line's may be at its provider."""
    if voice is not None:
        return voice.calls
    for known in PHONE_PROVIDERS:
        if known.provider in settings.sms:
            return RecordingsOnDemand(partial(known.open_recordings, settings))
    return None


async def check_phone_line(
    settings: VoiceSettings, sign_urls: "Callable[[], CallUrls] | None" = None
) -> str:
    """Return a note, and below it what to enter at the provider, which an error has too.

    Without `sign_urls`, the URLs of a provider that signs none itself are not shown.

    Raises:
        StartupError: The phone line does not work.
    """
    lines = list[str]()
    try:
        with name_variable("DIALTONE_VOICE"):
            async with open_voice(settings) as ports:
                if ports is None:
                    return "there is none, because DIALTONE_VOICE is none"
                lines += _describe_urls(settings, ports, sign_urls)
                note = await _check_calls(settings, ports)
    except (ConfigurationError, StartupError, PortError) as error:
        raise StartupError("\n".join([str(error), *lines])) from error
    return "\n".join([note, *lines])


def _describe_urls(
    settings: VoiceSettings, ports: VoicePorts, sign_urls: "Callable[[], CallUrls] | None"
) -> Iterator[str]:
    from application.features.voice.call_urls import CallUrls

    match settings.voice:
        case PhoneProvider(place_of_urls=place):
            yield place
        case Factory(path=path):
            yield f"At the provider of {path}, for the number of the phone line:"
    if coverage_of(ports.signatures).url:
        urls = CallUrls(settings.public_url)
    elif sign_urls is not None:
        urls = sign_urls()
    else:
        yield "The URLs have a signature of the service, a secret: --show-voice-urls shows them."
        return
    for name, url in (
        ("A call comes in", urls.voice()),
        ("Primary handler fails", urls.fallback()),
        ("Call status changes", urls.call_status()),
    ):
        yield f"{name:<23}HTTP POST  {url}"
    yield "Messages and calls from the service name their URLs themselves."
    if settings.operator is None:
        yield "DIALTONE_OPERATOR is not set: callers hear that the line operator does not answer."


async def _check_calls(settings: VoiceSettings, ports: VoicePorts) -> str:
    from application.features.voice.call_urls import CallUrls
    from entrypoints.parts.connection_checks import check_own_adapter

    if isinstance(settings.voice, PhoneProvider):
        return await settings.voice.check_voice(ports.calls, CallUrls(settings.public_url))
    return await check_own_adapter(ports.calls)


def _describe_provider(settings: VoiceSettings) -> str:
    match settings.voice:
        case None:
            return "none"
        case PhoneProvider(title=title):
            return f"by {title} from {settings.caller_id}"
        case Factory(path=path):
            return f"by {path}"


class _Voice(Feature["Voice"]):
    name = "voice"
    adapters = ("calls", "messages/twilio/voice")
    kinds = KINDS
    settings = VoiceSettings
    data = ("recordings",)
    adds_to_export = True

    rules = (_check_line, _check_caller_id, _check_retention)
    files_read = ("voice", "call_texts", "app_name")

    def libraries(self, settings: Settings) -> Iterator[Library]:
        voice = settings.of(VoiceSettings).voice
        if isinstance(voice, PhoneProvider) and voice.provider.extra:
            yield Library("DIALTONE_VOICE", voice.provider.extra, voice.name)

    def check_files(self, settings: Settings) -> None:
        if settings.has_phone_line:
            load_call_texts(settings.of(VoiceSettings))

    def trials(self, settings: Settings) -> "Mapping[str, Check]":
        if not settings.has_phone_line:
            return {}
        return {"phone line": partial(check_phone_line, settings.of(VoiceSettings))}

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.voice.fields import CallFields

        return (CallFields,)

    def http_additions(
        self, settings: "Settings", installed: Sequence[Feature[Any]]
    ) -> "Sequence[HttpAdditions]":
        del installed
        from entrypoints.http.features.voice.api import VoiceHttpAdditions

        return (VoiceHttpAdditions(has_phone_line=settings.has_phone_line),)

    def details(self, composition: "Composition") -> Additions:
        from application.features.voice.call_log import show_calls

        calls = make_voice_repositories(composition.database).calls
        return show_calls(calls, composition.settings.of(VoiceSettings).call_retention)

    async def open(self, composition: "Composition") -> Opened["Voice"]:
        """Open the provider of calls if there is one. The call log is there in any case."""
        from adapters.operations.system import HeldHealthCheck
        from application.features.voice.call_log import open_calls
        from application.features.voice.feature import Voice, VoiceFeature, call_with_codes
        from application.operations.check_readiness import CheckedPart
        from entrypoints.parts.providers import make_pause

        settings, core_ports = composition.settings.of(VoiceSettings), composition.core_ports
        composition.banner_adapters["calls"] = _describe_provider(settings)
        is_line_open = settings.has_phone_line and "otp" in composition.opens
        policy = settings.voice_policy(load_call_texts(settings)) if is_line_open else None
        with name_variable("DIALTONE_VOICE"):
            ports = await composition.stack.enter_async_context(open_voice(settings))
        repositories = make_voice_repositories(composition.database)
        recordings = find_recordings(settings, ports)
        calls = open_calls(core_ports, repositories, recordings, settings.calls_policy())
        if ports is None or policy is None:
            return Opened(lambda core: Voice(calls.make(core)), calls.additions)
        checked = {}
        if hasattr(ports.calls, "check"):
            health = HeldHealthCheck(health_check_of(ports.calls))
            checked["calls"] = CheckedPart(health, is_of_provider=True)
        pause = make_pause(composition, policy.provider)
        line = call_with_codes(core_ports, repositories, ports, policy, pause)

        def make(core: "UseCases") -> Voice:
            line = VoiceFeature(core, repositories, ports, policy)
            return Voice(calls.make(core), line)

        return Opened(make, replace(merge([calls.additions, line]), checked_parts=checked))


VOICE: Final = _Voice()
