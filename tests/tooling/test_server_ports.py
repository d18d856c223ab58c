"""Ports of test servers."""

import os
import socket

import pytest

from tests.support.servers.ports import candidates, free_pair, free_ports, is_free


def test_ports_are_different_and_free() -> None:
    ports = free_ports(10)
    assert len(set(ports)) == 10
    assert all(is_free(port) for port in ports)


def test_no_port_is_returned_twice() -> None:
    ports = [port for _ in range(10) for port in free_ports(10)]
    assert len(set(ports)) == 100


def test_another_process_gets_other_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = free_ports(10)
    other = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: other)
    assert not {port % 100 for port in mine} & {port % 100 for port in free_ports(10)}


def test_a_pair_has_the_distance_and_is_free() -> None:
    lower, upper = free_pair(10_000)
    assert upper - lower == 10_000
    assert is_free(lower)
    assert is_free(upper)


def test_a_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_an_ephemeral_port_is_no_candidate() -> None:
    with socket.socket() as client:
        client.bind(("127.0.0.1", 0))
        assert client.getsockname()[1] not in candidates(32768, 60999)


def test_ports_are_below_the_ephemeral_range() -> None:
    assert candidates(32768, 60999) == range(10240, 32768)


def test_ports_are_above_a_low_ephemeral_range() -> None:
    assert candidates(10000, 40000) == range(40001, 65536)
