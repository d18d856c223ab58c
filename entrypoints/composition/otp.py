"""One-time codes with the providers of their messages."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from adapters.operations.system import HeldHealthCheck
from application.additions import Additions
from application.operations.check_readiness import CheckedPart
from application.otp.use_cases import LimitPorts, OtpPorts
from application.ports.otp import Messenger
from domain.otp.rate_limits import STRANGERS_PERCENT
from domain.otp.sliding_window import SlidingWindow
from entrypoints.parts.composition import Openable
from entrypoints.parts.factories import handshakes_of, status_callbacks_of
from entrypoints.parts.operator_files import load_sms_templates
from entrypoints.parts.providers import fail_over, open_messenger
from entrypoints.settings.providers import Provider, provider_name
from entrypoints.settings.rules import Library
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable

if TYPE_CHECKING:
    from entrypoints.parts.composition import Composition


class _Otp(Openable):
    name = "otp"
    opens = ("limits",)
    files_read = (
        *("app_name", "android_hashes", "web_domain", "otp_length"),
        *("sms_templates_dir", "default_locale"),
    )

    def libraries(self, settings: Settings) -> Iterator[Library]:
        for provider in settings.sms:
            if isinstance(provider, Provider) and provider.extra:
                yield Library("DIALTONE_SMS", provider.extra, provider.name)

    def check_files(self, settings: Settings) -> None:
        load_sms_templates(settings)

    def notes(self, settings: Settings) -> Iterator[str]:
        for table in load_sms_templates(settings).unused_tables:
            yield f"{table}. The table is not used: remove it."
        for name in ("sms_limit_per_country", "sms_limit_total"):
            if note := _note_on_day(f"DIALTONE_{name.upper()}", getattr(settings, name), settings):
                yield note


async def open_otp(
    composition: "Composition", limits: LimitPorts
) -> tuple[OtpPorts, LimitPorts, Additions]:
    """Open the providers of messages. They decide whether messages are reported."""
    settings, templates = composition.settings, load_sms_templates(composition.settings)
    messengers: dict[str, Messenger] = {}
    for provider in settings.sms:
        with name_variable(settings.variable_of("DIALTONE_SMS")):
            messengers[provider_name(provider)] = await composition.stack.enter_async_context(
                open_messenger(provider, settings)
            )
    status_callbacks = status_callbacks_of(messengers)
    messenger = fail_over(messengers, composition)
    health = CheckedPart(HeldHealthCheck(messenger), is_of_provider=True)
    ports = OtpPorts(
        messenger=messenger,
        sms_templates=templates,
        status_callbacks=status_callbacks,
        handshakes=handshakes_of(messengers),
    )
    policy = settings.otp_policy(are_messages_reported=bool(status_callbacks))
    return ports, replace(limits, policy=policy), Additions(checked_parts={"messages": health})


def _note_on_day(
    variable: str, limits: tuple[SlidingWindow, SlidingWindow | None], settings: Settings
) -> str:
    """Note where a flood of strangers, which its hours end, uses up the day of everybody."""
    limit, day = limits
    if day is None:
        return ""
    flood = limit.limit * STRANGERS_PERCENT * (day.period / limit.period) / 100
    if day.limit * settings.sms_limit_all_factor >= flood:
        return ""
    return (
        f"{variable}: {day.limit}/1d, times DIALTONE_SMS_LIMIT_ALL_FACTOR, is less than the "
        f"{flood:g} messages of a flood of strangers in a day, which then stops known customers "
        "too. Raise it or the factor."
    )


OTP: Final = _Otp()
