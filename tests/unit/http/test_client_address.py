"""Where a request counts as coming from."""

from ipaddress import ip_network
from typing import Any

import pytest
from litestar import Request

from entrypoints.http.client_address import ClientAddresses
from entrypoints.http.http_settings import HttpSettings


def a_request(peer: str | None, *forwarded: str) -> Request[Any, Any, Any]:
    scope: Any = {
        "type": "http",
        "client": (peer, 4711) if peer else None,
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
    }
    return Request(scope)


def addresses(*trusted: str) -> ClientAddresses:
    networks = tuple(ip_network(one) for one in trusted)
    return ClientAddresses(HttpSettings("0", "http://x", 1, trusted_proxies=networks))


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_has_one_spelling_and_ipv6_counts_by_site(
    peer: str | None, counted: str
) -> None:
    assert addresses().of(a_request(peer)) == counted


def test_nobody_is_believed_who_is_no_trusted_proxy() -> None:
    assert addresses().of(a_request("203.0.113.7", "198.51.100.1")) == "203.0.113.7"


@pytest.mark.parametrize(
    ("forwarded", "counted"),
    [
        (("198.51.100.1",), "198.51.100.1"),
        (("1.1.1.1, 198.51.100.1",), "198.51.100.1"),
        (("1.1.1.1", "198.51.100.1, 10.0.0.2"), "198.51.100.1"),
        (("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        (("198.51.100.1, junk",), "10.0.0.1"),
        (("2001:db8::1",), "2001:db8::/64"),
        (("[2001:db8::1]",), "2001:db8::/64"),
        (("198.51.100.1:4711",), "198.51.100.1"),
        (("[2001:db8::1]:4711",), "2001:db8::/64"),
    ],
)
def test_behind_trusted_proxies_the_last_address_that_is_none_counts(
    forwarded: tuple[str, ...], counted: str
) -> None:
    assert addresses("10.0.0.0/8").of(a_request("10.0.0.1", *forwarded)) == counted
