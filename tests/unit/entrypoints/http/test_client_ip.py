"""What the service knows about a client: its IP and a name for its device."""

from ipaddress import ip_network
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.errors import UnsupportedValue
from entrypoints.http.requests.client_ip import ClientIpResolver, parse_client_ip
from entrypoints.http.requests.request import parse_device_name

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"


def a_request(peer: str | None, *forwarded: str) -> dict[str, Any]:
    return {
        "client": (peer, 4711) if peer else None,
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
    }


def a_resolver(*trusted: str) -> ClientIpResolver:
    return ClientIpResolver([ip_network(network) for network in trusted])


@pytest.mark.parametrize(
    ("peer", "client_ip"),
    [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"),
        ("64:ff9b::cb00:7107", "203.0.113.7"), ("64:ff9b:1::cb00:7107", "64:ff9b:1::/64"),
        ("not an IP", "unknown"), (None, "unknown"),
    ],
)  # fmt: skip
def test_an_ip_is_normalized_and_ipv6_counts_by_network(peer: str | None, client_ip: str) -> None:
    assert a_resolver().resolve(a_request(peer)) == client_ip


def test_forwarded_headers_are_ignored_unless_a_trusted_proxy_sent_them() -> None:
    resolver = a_resolver()
    with capture_logs() as logs:
        for _ in range(2):
            for peer in ("203.0.113.7", "10.0.0.1"):
                assert resolver.resolve(a_request(peer, "198.51.100.1")) == peer
    # Only a private IP is probably a proxy.
    assert [line["event"] for line in logs] == ["forwarded_header_ignored"]
    assert resolver.ignored_proxy is not None


@pytest.mark.parametrize(
    ("forwarded", "client_ip"),
    [
        (("198.51.100.1",), "198.51.100.1"),
        (("1.1.1.1", "198.51.100.1, 10.0.0.2"), "198.51.100.1"),
        (("198.51.100.1, junk",), "10.0.0.1"),
        (("198.51.100.1:4711",), "198.51.100.1"),
        (("[2001:db8::1]:4711",), "2001:db8::/64"),
    ],
)
def test_behind_trusted_proxies_the_last_ip_that_is_not_trusted_counts(
    forwarded: tuple[str, ...], client_ip: str
) -> None:
    assert a_resolver("10.0.0.0/8").resolve(a_request("10.0.0.1", *forwarded)) == client_ip


def test_an_ip_behind_nat64_is_not_trusted_for_the_ipv4_address_in_it() -> None:
    resolver = a_resolver("10.0.0.0/8")
    assert resolver.resolve(a_request("64:ff9b::10.0.0.1", "198.51.100.1")) == "10.0.0.1"
    forwarded = a_request("10.0.0.1", "198.51.100.1, 64:ff9b::10.0.0.2")
    assert resolver.resolve(forwarded) == "10.0.0.2"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (f"{IPHONE} Gecko) Version/19.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        ("Dart/3.9 (dart:io)", "App"),
        ("Acme/1.2 CFNetwork/3826 Darwin/25.1.0", "App on Apple device"),
        ("my-tool", "my-tool"),
        ("\x00\xff", None),
    ],
)
def test_a_user_agent_becomes_a_readable_device_name(user_agent: str, device: str | None) -> None:
    assert parse_device_name(user_agent) == device


# What a backend names


@pytest.mark.parametrize(
    ("text", "client_ip"),
    [
        (" 8.8.8.8 ", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("64:ff9b::808:808", "8.8.8.8"),
        ("2a00:1450:4001:81b::200e", "2a00:1450:4001:81b::/64"),
    ],
)
def test_a_named_ip_counts_as_that_of_a_request(text: str, client_ip: str) -> None:
    assert parse_client_ip(text, is_public=True) == client_ip


@pytest.mark.parametrize(
    "text",
    [
        *("10.0.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"),
        *("224.0.0.1", "ff0e::1", "fec0::1", "::8.8.8.8", "2002:a00:1::1", "64:ff9b:1::808:808"),
    ],
)
def test_a_private_ip_is_named_in_development_only(text: str) -> None:
    assert parse_client_ip(text, is_public=False)
    with pytest.raises(UnsupportedValue, match="public"):
        parse_client_ip(text, is_public=True)


@pytest.mark.parametrize("text", ["", "localhost", "8.8.8.8:443", "8.8.8.8, 1.1.1.1", "8.8.8.0/24"])
def test_a_text_that_is_no_ip_is_rejected(text: str) -> None:
    with pytest.raises(UnsupportedValue, match=r"one IPv4 or IPv6 address"):
        parse_client_ip(text, is_public=False)
