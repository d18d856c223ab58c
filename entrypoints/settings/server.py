"""The settings of the server: its processes, its limits of requests, and its log."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.administration.audit import parse_actor_name
from domain.otp.sliding_window import SlidingWindow
from entrypoints.http.settings import HttpServerSettings
from entrypoints.settings import parsers
from entrypoints.settings.bind import Bind
from entrypoints.settings.declaration import limit, optional
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Environment

_request_limit = parsers.rate_limit(1_000_000)

_LOG_SHARE: Final = re.compile(r"1/([1-9][0-9]{0,5})")


@parsers.rejects_with("Must be all, none, or 1/N for one of N requests, at most 1/999999.")
def _parse_log_requests(text: str) -> float:
    """Parse the share of requests that are logged."""
    if text.lower() in ("all", "none"):
        return float(text.lower() == "all")
    return 1 / int(parsers.full_match(_LOG_SHARE, text)[1])


@dataclass(frozen=True, kw_only=True)
class ServerSettings(ServiceSettings):
    """How the server runs."""

    web_origins: tuple[str, ...] = optional(
        "Origins of the web apps that may use the API from browsers (CORS).",
        parsers.list_of(parsers.parse_web_origin),
        unset=(),
        example="https://app.example.org",
    )
    workers: int = optional("Number of server processes.", parsers.number(1, 256), default="1")
    stop_delay: timedelta = optional(
        "After SIGTERM, the service still accepts requests for this time; in production 5s.",
        parsers.duration("0s", "10m"),
        # In development, nothing routes requests by readiness.
        derive=lambda settings: "5s" if settings.env is Environment.PRODUCTION else "0s",
        example="10s",
    )
    drain_timeout: timedelta = optional(
        "Time that open requests have to finish after the stop delay.",
        parsers.duration("1s", "1h"),
        default="30s",
    )
    actor: str = optional(
        "Who acts by commands, for the audit, unless their --as says it; the service ignores it.",
        parse_actor_name,
        unset="",
        example="jane",
    )
    log_level: str = optional(
        "Lowest level that is logged: debug, info, warning or error.",
        parsers.choice("debug", "info", "warning", "error"),
        default="info",
    )
    log_format: str = optional(
        "console for people or json for machines; auto is console on a terminal and json "
        "elsewhere.",
        parsers.choice("auto", "console", "json"),
        default="auto",
    )
    log_requests: float = optional(
        "Requests with a line in the log: all, none, or 1/100 for one of 100 and each 5xx.",
        _parse_log_requests,
        default="all",
        example="1/100",
    )
    metrics_bind: Bind | None = optional(
        "Host and port of /metrics for Prometheus: without a token, so not for the internet.",
        parsers.parse_bind,
        example="127.0.0.1:9464",
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
            logged_share=self.log_requests,
        )
