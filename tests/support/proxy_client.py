"""A client of the service behind a proxy with TLS."""

import ssl

import httpx

from tests.support.held_connections import SERVER_NAME


def open_client(port: int, tls: ssl.SSLContext, client_ip: str) -> httpx.Client:
    """Open a client that uses the name of the service, as if it was this machine's."""

    def set_name(request: httpx.Request) -> None:
        request.extensions["sni_hostname"] = SERVER_NAME

    return httpx.Client(
        base_url=f"https://127.0.0.1:{port}",
        transport=httpx.HTTPTransport(verify=tls, local_address=client_ip),
        headers={"Host": SERVER_NAME},
        event_hooks={"request": [set_name]},
        timeout=60,
    )
