"""From the environment and `.env` to Settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from application.identities.session_factory import TokenLifetimes
from domain.otp.delivery import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from entrypoints.settings import table
from entrypoints.settings.env_file import read_env_file
from entrypoints.settings.kinds import Environment, SecretsFile
from entrypoints.settings.model import Settings
from entrypoints.settings.production import refused_in_production
from entrypoints.settings.together import refuse_costs_without_countries, take_s3, take_twilio
from entrypoints.settings.values import Values
from entrypoints.startup_error import StartupError


class SettingsInvalid(StartupError):
    """What cannot be used: one line for each, none with a value in it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def read_settings(environ: Mapping[str, str], env_file: Path | None) -> Settings:
    """Read every setting; what the environment says wins over the file.

    Raises:
        SettingsInvalid: with everything that is wrong, not only the first.
    """
    values = Values(environ, read_env_file(env_file))
    settings = _settings(values)
    if settings.environment is Environment.PRODUCTION:
        for variable, sentence in refused_in_production(settings):
            values.refuse(variable, sentence)
    values.refuse_what_is_not_there_yet()
    if problems := values.problems():
        raise SettingsInvalid(problems)
    return settings


def _settings(values: Values) -> Settings:
    environment = values.take(table.ENV)
    bind = values.take(table.BIND)
    media = values.take(table.MEDIA)
    sms = values.take(table.SMS)
    countries = values.take(table.COUNTRIES)
    refuse_costs_without_countries(values, sms, countries)
    return Settings(
        environment=environment,
        bind=bind,
        public_url=values.take(table.PUBLIC_URL, default=bind.local_url),
        database=values.take(table.DATABASE),
        media=media,
        s3=take_s3(values, media),
        media_public_url=values.take(table.MEDIA_PUBLIC_URL),
        secrets=SecretsFile(
            values.take(table.SECRETS), may_make=environment is Environment.DEVELOPMENT
        ),
        sms=sms,
        twilio=take_twilio(values, sms),
        app_name=values.take(table.APP_NAME),
        android_hashes=values.take(table.ANDROID_HASH),
        web_domain=values.take(table.WEB_DOMAIN),
        locale=values.take(table.LOCALE),
        texts=values.take(table.TEXTS),
        countries=countries,
        default_region=values.take(table.DEFAULT_REGION),
        test_otps=values.take(table.TEST_NUMBERS),
        delivery_policy=DeliveryPolicy(
            per_phone=values.take(table.SENDS_PER_PHONE),
            per_phone_and_ip=values.take(table.SENDS_PER_PHONE_AND_ADDRESS),
            trusted_ip_quota=values.take(table.SENDS_RESERVED),
        ),
        rate_limits=RateLimits(
            per_ip=values.take(table.SENDS_PER_ADDRESS),
            per_country=values.take(table.SENDS_PER_COUNTRY),
            total=values.take(table.SENDS_IN_ALL),
            verifications_per_ip=values.take(table.CHECKS_PER_ADDRESS),
        ),
        trusted_proxies=values.take(table.TRUSTED_PROXIES),
        is_single_host=values.take(table.SINGLE_HOST),
        token_lifetimes=TokenLifetimes(
            plain=values.take(table.PLAIN_TOKEN_TTL),
            access=values.take(table.ACCESS_TOKEN_TTL),
            refresh=values.take(table.REFRESH_TOKEN_TTL),
        ),
        upload_limit=values.take(table.UPLOAD_LIMIT),
        picture_pixels=values.take(table.PICTURE_PIXELS),
        picture_frames=values.take(table.PICTURE_FRAMES),
        log_level=values.take(table.LOG_LEVEL),
        log_format=values.take(table.LOG_FORMAT),
        workers=values.take(table.WORKERS),
        unknown=values.unknown(),
        given=values.given,
        environ=values.environ,
    )
