"""The hosts and options of a `mongodb+srv://` URL are in DNS: what is wrong there is named."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Final

import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from adapters.databases.mongo import inspect_database
from application.ports.errors import ConfigurationError
from tests.support.certificates import CertificateAuthority

Records = dict[tuple[str, str], list[str]]
CLUSTER: Final = ("_mongodb._tcp.cluster.example.com.", "SRV")
TEXT: Final = ("cluster.example.com.", "TXT")
URL: Final = "mongodb+srv://cluster.example.com/dialtone?timeoutMS=300"
HOST: Final = ["0 0 27017 one.example.com."]


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    """The records of a DNS server that the driver asks."""
    answers: Records = {}
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        resolver = dns.resolver.make_resolver_at(*server.getsockname())
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        Thread(target=answer_questions, args=(server, answers), daemon=True).start()
        yield answers
        server.sendto(b"", server.getsockname())  # ends the thread


def answer_questions(server: socket.socket, answers: Mapping[tuple[str, str], list[str]]) -> None:
    while True:
        query, client = server.recvfrom(4096)
        if not query:
            return
        response = dns.message.make_response(dns.message.from_wire(query))
        [question] = response.question
        kind = dns.rdatatype.to_text(question.rdtype)
        if found := answers.get((question.name.to_text(), kind)):
            response.answer = [dns.rrset.from_text(question.name, 60, "IN", kind, *found)]
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        server.sendto(response.to_wire(), client)


async def inspection_error(url: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        await inspect_database(url, None)
    return str(raised.value)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({}, "cannot be resolved"),
        ({CLUSTER: ["0 0 27017 one.example.net."]}, "no SRV record with a host of another domain"),
        ({CLUSTER: HOST, TEXT: ["w=1"]}, "the TXT record of its host is not one"),
        ({CLUSTER: HOST, TEXT: ["replicaSet=a", "authSource=b"]}, "the TXT record of its host"),
        (
            {CLUSTER: HOST, TEXT: ["nothing"]},
            "the driver rejects the URL, or the SRV and TXT records",
        ),
        # Valid records, of hosts that are not there.
        ({CLUSTER: HOST, TEXT: ["replicaSet=a"]}, "no server that accepts writes"),
    ],
)
async def test_what_is_wrong_with_the_records_is_named(
    records: Records, found: Records, reason: str
) -> None:
    records.update(found)

    assert reason in await inspection_error(URL)


async def test_a_certificate_has_no_user_in_the_database_of_a_txt_record(
    records: Records, tmp_path: Path
) -> None:
    records.update({CLUSTER: HOST, TEXT: ["authSource=admin"]})
    certificate = CertificateAuthority(tmp_path).issue("client")
    options = f"&authMechanism=MONGODB-X509&tlsCertificateKeyFile={certificate}"

    assert "write authSource=$external" in await inspection_error(f"{URL}{options}")
    # The URL overrides it.
    error = await inspection_error(f"{URL}{options}&authSource=$external")
    assert "no server that accepts writes" in error
