"""The settings of the server: its processes, its limits of requests, and its log."""

from dataclasses import dataclass
from datetime import timedelta

from domain.otp.sliding_window import SlidingWindow
from entrypoints.http.settings import HttpServerSettings
from entrypoints.settings import parsers
from entrypoints.settings.bind import Bind
from entrypoints.settings.declaration import limit, setting
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Environment

_request_limit = parsers.rate_limit(1_000_000)


@dataclass(frozen=True, kw_only=True)
class ServerSettings(ServiceSettings):
    """How the server runs, and how often it cleans up."""

    web_origins: tuple[str, ...] = setting(
        "Origins of the web apps that may use the API from browsers (CORS).",
        parsers.list_of(parsers.parse_web_origin),
        example="https://app.example.org",
    )
    workers: int = setting("Number of server processes.", parsers.number(1, 256), default="1")
    stop_delay: timedelta = setting(
        "After SIGTERM, the service still accepts requests for this time; in production 5s.",
        parsers.duration("0s", "10m"),
        # In development, nothing routes requests by readiness.
        derive=lambda settings: "5s" if settings.env is Environment.PRODUCTION else "0s",
        example="10s",
    )
    drain_timeout: timedelta = setting(
        "Time that open requests have to finish after the stop delay.",
        parsers.duration("1s", "1h"),
        default="30s",
    )
    log_level: str = setting(
        "Lowest level that is logged: debug, info, warning or error.",
        parsers.choice("debug", "info", "warning", "error"),
        default="info",
    )
    log_format: str = setting(
        "console for people or json for machines; auto is console on a terminal and json "
        "elsewhere.",
        parsers.choice("auto", "console", "json"),
        default="auto",
    )
    metrics_bind: Bind | None = setting(
        "Host and port of /metrics for Prometheus: without a token, so not for the internet.",
        parsers.parse_bind,
        example="127.0.0.1:9464",
    )
    cleanup_interval: timedelta | None = setting(
        "Time between cleanups; off if you run `dialtone cleanup` by cron instead.",
        parsers.duration_or_off("1m", "1d"),
        default="15m",
    )
    request_limit_per_identity: SlidingWindow = limit(
        "Requests of one signed-in user per minute; each instance counts for itself, "
        "approximately.",
        _request_limit,
        "600/1m",
    )
    refresh_limit_per_ip: SlidingWindow = limit(
        "Refreshes, status requests and logouts without a token, per IP and minute, approximately.",
        _request_limit,
        "1200/1m",
    )

    def http_server(self) -> HttpServerSettings:
        """Return what these settings decide about all requests."""
        return HttpServerSettings(
            public_url=self.public_url,
            is_public_url_set=self.is_set("DIALTONE_PUBLIC_URL"),
            web_origins=self.web_origins,
            trusted_proxies=self.trusted_proxies,
            request_limit_per_identity=self.request_limit_per_identity,
            refresh_limit_per_ip=self.refresh_limit_per_ip,
            workers=self.workers,
            keeps_docs_token=self.env is Environment.DEVELOPMENT,
        )
