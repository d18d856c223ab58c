"""Requests of benchmarks as bytes, and settings without limits that would reject them."""

from typing import Final

CLIENT_IPS: Final = 5_000
UNLIMITED: Final = {
    "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
    "DIALTONE_SMS_LIMIT_PER_IP": "5000/1m",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "50000/1m",
    "DIALTONE_SMS_LIMIT_TOTAL": "50000/1m",
    "DIALTONE_REQUEST_LIMIT_PER_IDENTITY": "1000000/1m",
    "DIALTONE_REFRESH_LIMIT_PER_IP": "1000000/1m",
}
"""Settings with which every request may name its IP and exceeds no limit that phones share."""


def encode_request(
    method: str, path: str, *, authorization: str = "", body: str = "", client_ip: str = ""
) -> bytes:
    """Return a request as bytes, as a proxy forwards it from `client_ip`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += ["Content-Type: application/json"] if body else []
    lines += [authorization] if authorization else []
    lines += [f"X-Forwarded-For: {client_ip}"] if client_ip else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def client_ip(number: int, block: int = 18) -> str:
    """Return one of many IPs of a block, 18 or 19, of the range for benchmarks (RFC 2544)."""
    return f"198.{block}.{number % CLIENT_IPS // 250}.{number % 250 + 1}"
