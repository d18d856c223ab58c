"""The keys that others check our access tokens with."""

import base64
from typing import Annotated

import msgspec
from litestar import Controller, get
from msgspec import Meta

from application.ports.public_keys import PublicKey
from entrypoints.http.dependencies import Cases
from entrypoints.http.documented import refused_with


class JsonWebKey(msgspec.Struct, kw_only=True):
    """A public key on P-256 (RFC 7517, RFC 7518 §6.2.1)."""

    kty: Annotated[str, Meta(description="Always `EC`.", examples=["EC"])] = "EC"
    crv: Annotated[str, Meta(description="Always `P-256`.", examples=["P-256"])] = "P-256"
    use: Annotated[str, Meta(description="Always `sig`.", examples=["sig"])] = "sig"
    alg: Annotated[str, Meta(description="Always `ES256`.", examples=["ES256"])] = "ES256"
    kid: Annotated[str, Meta(description="The `kid` in a token's header.", examples=["5f0c1a9e"])]
    x: Annotated[
        str,
        Meta(
            description="The first coordinate, in base64url.",
            examples=["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"],
        ),
    ]
    y: Annotated[
        str,
        Meta(
            description="The second coordinate, in base64url.",
            examples=["x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"],
        ),
    ]


class JsonWebKeySet(msgspec.Struct):
    """Every key that an access token may be signed with, newest first (RFC 7517 §5)."""

    keys: Annotated[
        list[JsonWebKey],
        Meta(description="Read the set again when a token names another key than these."),
    ]


class KeySetController(Controller):
    """The key set, for whoever checks tokens without asking us."""

    path = "/.well-known"
    tags = ["Operations"]

    @get(
        "/jwks.json",
        operation_id="readKeySet",
        summary="The keys of access tokens",
        response_description="The public keys; a new one is here before it signs.",
        responses=refused_with(),
    )
    async def read(self, use_cases: Cases) -> JsonWebKeySet:
        """Give the public keys that access tokens are signed with.

        A token that they check may have been signed out since: only this service knows.
        """
        return JsonWebKeySet([_web_key(key) for key in use_cases.get_jwks()])


def _web_key(key: PublicKey) -> JsonWebKey:
    return JsonWebKey(kid=key.id, x=_base64url(key.x), y=_base64url(key.y))


def _base64url(number: bytes) -> str:
    return base64.urlsafe_b64encode(number).decode().rstrip("=")
