"""The settings of one-time codes: their messages and their limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from application.webhook_urls import WebhookUrls
from domain.otp.challenge import DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH
from domain.otp.delivery import Channel
from domain.otp.delivery_policy import ChannelOrder, Channels
from domain.otp.fixed_codes import FixedCodes
from domain.otp.messages import parse_app_hash, parse_locale
from domain.otp.rate_limits import VERIFICATIONS_PER_DELIVERY, RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneRules
from entrypoints.settings import parsers
from entrypoints.settings.adapter_parsers import ALL_OTHERS, parse_channels, several_of
from entrypoints.settings.declaration import limit, setting
from entrypoints.settings.providers import (
    PROVIDERS,
    Provider,
    TwilioSettings,
    VonageSettings,
    prints_codes,
)
from entrypoints.settings.readers import HookSecrets
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Factory, HttpHook, Secret

if TYPE_CHECKING:
    from application.otp.use_cases import OtpPolicy

_LimitWithDay = Annotated[
    tuple[SlidingWindow, SlidingWindow | None], parsers.rate_limit_with_day(500_000)
]


@dataclass(frozen=True, kw_only=True)
class SmsSettings(ServiceSettings):
    """The providers of messages."""

    sms: Annotated[
        tuple[Provider | Factory | HttpHook, ...],
        several_of({provider.name: provider for provider in PROVIDERS}, once="provider"),
    ] = setting(
        "console (terminal), twilio, vonage, https://… (hook) or package.module:factory; in order.",
        "console",
        example="twilio",
        names="providers",
        is_logged=True,
        signed_with="DIALTONE_SMS_HOOK_SECRET",
    )
    sms_hook_secret: HookSecrets = setting(
        "Secret that signs messages to hooks, and what they report; required if there is a hook."
    )


@dataclass(frozen=True, kw_only=True)
class OtpSettings(VonageSettings, TwilioSettings, SmsSettings):
    """The channels, texts and limits of codes."""

    countries: Annotated[frozenset[str] | None, parsers.parse_countries] = setting(
        "Countries that are served, as ISO codes, or * for all; optional with console alone.",
        example="IN,US,DE",
    )
    channels: Annotated[tuple[tuple[str, Channels], ...], parse_channels] = setting(
        "Channels of codes by country, the first one first; * is all others, see docs/messages.md.",
        example="IN=sms;*=sms",
    )
    android_hashes: tuple[Annotated[str, parse_app_hash], ...] = setting(
        "Hashes of the Android apps that read the code from the message, the usual app first.",
        variable="DIALTONE_ANDROID_HASH",
        example="FA+9qCX9VSu",
    )
    web_domain: Annotated[str | None, parsers.parse_domain] = setting(
        "Domain of the website on which browsers fill in the code (WebOTP).", example="example.org"
    )
    default_locale: Annotated[str, parse_locale] = setting(
        "Language of a message if the request names no language that has templates.", "en"
    )
    sms_templates_dir: Path | None = setting(
        "Folder with message templates of your own, see docs/messages.md.",
        example="/etc/dialtone/templates",
    )
    default_region: Annotated[str | None, parsers.parse_country_code] = setting(
        "Country of numbers without +, as ISO code; by default the only one in DIALTONE_COUNTRIES.",
        derived=lambda countries: (
            next(iter(countries)) if countries is not None and len(countries) == 1 else ""
        ),
        example="IN",
    )
    otp_length: Annotated[int, parsers.number(DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH)] = setting(
        "Number of digits of a code, 6 to 8.", "6"
    )
    test_otps: Secret[FixedCodes] = setting(
        "Numbers with a fixed code until a given day, for app-store reviewers; they get no message."
    )
    sms_limit_per_country: _LimitWithDay = limit(
        "Messages per country that led to no login; those of a day are all, times …_ALL_FACTOR.",
        "200/1h,1200/1d",
        "1000/1h,6000/1d",
        "10000/1h,60000/1d",
    )
    sms_limit_total: _LimitWithDay = limit(
        "As …_PER_COUNTRY, in all countries together; both up to 500000/1h,12000000/1d.",
        "500/1h,3000/1d",
        "5000/1h,30000/1d",
        "50000/1h,300000/1d",
    )
    sms_limit_all_factor: Annotated[int, parsers.number(1, 20)] = setting(
        "Limits of all messages, logins included, as a multiple of …_PER_COUNTRY and …_TOTAL.",
        "10",
    )
    # A /48 network has three times the limit of an IP.
    sms_limit_per_ip: Annotated[SlidingWindow, parsers.rate_limit(5_000)] = limit(
        "Messages that did not lead to a login, per IP (IPv6: per /64) and hour.",
        "30/1h",
        "60/1h",
        "300/1h",
    )

    @property
    def providers(self) -> tuple[Provider | Factory | HttpHook, ...]:
        return self.sms

    @property
    def has_phone_line(self) -> bool:
        """Whether a provider places and answers calls. It sends requests then."""
        return False

    @property
    def has_voice_channel(self) -> bool:
        """Whether a code can be delivered by a call. The terminal shows it."""
        return self.has_phone_line or prints_codes(self.sms[0])

    @property
    def provided_channels(self) -> Channels:
        """The channels that have a provider, in the order that they have without a setting."""
        return (Channel.SMS, Channel.VOICE) if self.has_voice_channel else (Channel.SMS,)

    @property
    def channel_order(self) -> ChannelOrder:
        others = dict(self.channels).get(ALL_OTHERS, self.provided_channels)
        return ChannelOrder(others=others, by_country=self.channels)

    def otp_policy(self, *, are_messages_reported: bool) -> "OtpPolicy":
        """`are_messages_reported`: whether a messenger reads what became of its messages."""
        per_country, per_country_and_day = self.sms_limit_per_country
        total, total_of_day = self.sms_limit_total
        has_url = self.is_set("DIALTONE_PUBLIC_URL") and are_messages_reported
        # Imported only here: reading settings needs no use cases.
        from application.otp.use_cases import OtpPolicy

        return OtpPolicy(
            countries=self.countries,
            rate_limits=RateLimits(
                per_ip=self.sms_limit_per_ip,
                per_country=per_country,
                per_country_and_day=per_country_and_day,
                total=total,
                total_of_day=total_of_day,
                all_deliveries_factor=self.sms_limit_all_factor,
                verifications_per_ip=SlidingWindow(
                    VERIFICATIONS_PER_DELIVERY * self.sms_limit_per_ip.limit,
                    self.sms_limit_per_ip.period,
                ),
            ),
            webhook_urls=WebhookUrls(self.public_url) if has_url else None,
            channels=self.channel_order,
        )

    @property
    def phone_rules(self) -> PhoneRules:
        """Which numbers are accepted. Test phones may be of any kind."""
        return PhoneRules(exceptions=frozenset(it.phone for it in self.test_otps.value.all))
