"""The settings of the server: its processes, its limits of requests, and its log."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from domain.otp.sliding_window import SlidingWindow
from entrypoints.settings import parsers
from entrypoints.settings.declaration import limit, setting
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Bind, Environment


@dataclass(frozen=True, kw_only=True)
class ServerSettings(ServiceSettings):
    """How the server runs, and how often it cleans up."""

    web_origins: tuple[Annotated[str, parsers.parse_web_origin], ...] = setting(
        "Origins of the web apps that may use the API from browsers (CORS).",
        example="https://app.example.org",
    )
    workers: Annotated[int, parsers.number(1, 256)] = setting("Number of server processes.", "1")
    stop_delay: Annotated[timedelta, parsers.duration("0s", "10m")] = setting(
        "After SIGTERM, the service still accepts requests for this time; in production 5s.",
        # In development, nothing routes requests by readiness.
        derived=lambda env: "5s" if env is Environment.PRODUCTION else "0s",
        example="10s",
    )
    drain_timeout: Annotated[timedelta, parsers.duration("1s", "1h")] = setting(
        "Time that open requests have to finish after the stop delay.", "30s"
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "Lowest level that is logged: debug, info, warning or error.", "info"
    )
    log_format: Literal["auto", "console", "json"] = setting(
        "console for people or json for machines; auto is console on a terminal and json "
        "elsewhere.",
        "auto",
    )
    metrics_bind: Bind | None = setting(
        "Host and port of /metrics for Prometheus: without a token, so not for the internet."
    )
    cleanup_interval: Annotated[timedelta | None, parsers.duration_or_off("1m", "1d")] = setting(
        "Time between cleanups; off if you run `dialtone cleanup` by cron instead.", "15m"
    )
    request_limit_per_identity: SlidingWindow = limit(
        "Requests of one signed-in user per minute; each instance counts for itself, "
        "approximately.",
        "600/1m",
    )
    refresh_limit_per_ip: SlidingWindow = limit(
        "Refreshes, status requests and logouts without a token, per IP and minute, approximately.",
        "1200/1m",
    )
