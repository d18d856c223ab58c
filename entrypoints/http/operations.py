"""Health checks and the key set (JWKS)."""

import base64
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec

from application.identities.use_cases import IdentityUseCases
from application.operations.check_readiness import Readiness
from application.operations.use_cases import OperationsUseCases
from application.ports.keys import PublicKey
from entrypoints.http.errors.exceptions import NoIssuerMetadata
from entrypoints.http.fields import described
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.errors import UNAVAILABLE_ERROR

READY: Final = "ready"
UNAVAILABLE: Final = "unavailable"
_STOPPING: Final = "stopping"
_DEGRADED: Final = "degraded"
JWKS_PATH: Final = "/.well-known/jwks.json"
_NONE: Final = "Always empty: this service has no endpoints of OAuth 2.0."

HealthField = Annotated[str, described("`ok`, or the problem.", "ok", "the disk is full")]
ProviderHealthField = Annotated[
    str,
    described("`ok` or `degraded`: the log has the reason.", "ok", _DEGRADED),
]


class LivenessResponse(msgspec.Struct):
    """The process responds."""

    status: Annotated[str, described("Always `ok`.", "ok")] = "ok"


IGNORED_PROXY: Final = (
    "X-Forwarded-For of a proxy is ignored, and all clients behind it share the limits of one IP:"
    " the line forwarded_header_ignored says what to set"
)


class ReadinessResponse(msgspec.Struct, kw_only=True):
    """The health of each part.

    The instance is not ready while a disk of its own rejects a write.
    """

    status: Annotated[
        str,
        described(
            "`ready`, `stopping` or `unavailable`.", READY, enum=[READY, _STOPPING, UNAVAILABLE]
        ),
    ]
    database: Annotated[
        str,
        described(
            "`ok`; `unavailable` if instances share it; otherwise the problem.", "ok", UNAVAILABLE
        ),
    ]
    messages: ProviderHealthField
    disk: Annotated[
        str,
        described(
            "`ok`; `low` if less than 5 % is free where the service writes files; or the problem.",
            "ok",
            "low",
        ),
    ]
    keys: Annotated[
        str,
        described(
            "`ok`, or why the secrets file is not used as it is now: the keys that were loaded"
            " before are.",
            "ok",
        ),
    ]
    proxy: Annotated[
        str | msgspec.UnsetType,
        described(
            "Only if a proxy is not trusted, and all clients behind it share the limits of one IP.",
            IGNORED_PROXY,
        ),
    ] = msgspec.UNSET
    clock: Annotated[
        str | msgspec.UnsetType,
        described(
            "`ok`, or how far the clock differs. Only with a database that is shared.",
            "ok",
            "360 s ahead of the database",
        ),
    ] = msgspec.UNSET
    database_servers: Annotated[
        str | msgspec.UnsetType,
        described(
            "`ok`, or which servers did not respond. Only with PostgreSQL.",
            "ok",
            "no response of db1.example.org:5432",
        ),
    ] = msgspec.UNSET
    limits: Annotated[
        str | msgspec.UnsetType,
        described("`ok`, or the problem. Only with a limit store of its own.", "ok"),
    ] = msgspec.UNSET
    details: Annotated[
        str | msgspec.UnsetType,
        described("Why a shared database is unavailable.", "no answer within 4.5 seconds"),
    ] = msgspec.UNSET


class JsonWebKey(msgspec.Struct, kw_only=True):
    """A public key on P-256 (RFC 7517, RFC 7518 §6.2.1)."""

    kty: Annotated[str, described("Always `EC`.", "EC")] = "EC"
    crv: Annotated[str, described("Always `P-256`.", "P-256")] = "P-256"
    use: Annotated[str, described("Always `sig`.", "sig")] = "sig"
    alg: Annotated[str, described("Always `ES256`.", "ES256")] = "ES256"
    kid: Annotated[str, described("The `kid` in a token's header.", "5f0c1a9e")]
    x: Annotated[
        str,
        described("The x coordinate, in base64url.", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
    ]
    y: Annotated[
        str,
        described("The y coordinate, in base64url.", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    ]


class JsonWebKeySet(msgspec.Struct):
    """The keys that verify short-lived access tokens, the newest first (RFC 7517 §5)."""

    keys: Annotated[
        list[JsonWebKey], described("Get the set again when a token has an unknown `kid`.")
    ]


class IssuerMetadata(msgspec.Struct, kw_only=True):
    """The metadata of the issuer of short-lived access tokens (RFC 8414 §2).

    - `response_types_supported` is required, and is empty. So is `grant_types_supported`: without
      it, clients would assume two of them.
    - OpenID Connect Discovery requires the last two. Without the last one, its clients accept
      RS256 only, and they take it for access tokens too.
    """

    issuer: Annotated[str, described("The `iss` of tokens.", "https://dialtone.example.org")]
    jwks_uri: Annotated[
        str,
        described("Where the keys are.", f"https://dialtone.example.org{JWKS_PATH}"),
    ]
    response_types_supported: Annotated[tuple[str, ...], described(_NONE)] = ()
    grant_types_supported: Annotated[tuple[str, ...], described(_NONE)] = ()
    subject_types_supported: Annotated[
        tuple[str, ...], described("`sub` is the same for all services.")
    ] = ("public",)
    id_token_signing_alg_values_supported: Annotated[
        tuple[str, ...], described("The algorithm of the short-lived access tokens.")
    ] = ("ES256",)


def show_readiness(readiness: Readiness, *, is_stopping: bool) -> dict[str, str]:
    """Return the fields of a `ReadinessResponse`, with those of features."""
    status = READY if readiness.is_ready else UNAVAILABLE
    database, details = readiness.database, None
    if database and readiness.is_database_shared:
        database, details = UNAVAILABLE, database
    return {
        "status": _STOPPING if is_stopping else status,
        "database": database or "ok",
        **{name: _show_part(name, readiness) for name in readiness.parts},
        **({"details": details} if details else {}),
    }


def _show_part(name: str, readiness: Readiness) -> str:
    problem = readiness.parts[name]
    if problem is None:
        return "ok"
    # The response is public. The web console shows staff which provider it is, and why.
    return _DEGRADED if name in readiness.of_providers else problem


def to_json_web_key(key: PublicKey) -> JsonWebKey:
    """Convert a public key."""
    return JsonWebKey(kid=key.id, x=_encode_base64url(key.x), y=_encode_base64url(key.y))


def _encode_base64url(number: bytes) -> str:
    return base64.urlsafe_b64encode(number).decode().rstrip("=")


_FOR_ALL_PAGES: Final = (
    ResponseHeader(
        name="Access-Control-Allow-Origin",
        value="*",
        description="Pages of all origins may read it: it is public.",
    ),
)


class OperationsController(Controller):
    """Health checks for load balancers, and the keys for services that verify tokens themselves."""

    tags = ["Operations"]
    dependencies = {
        "identities": provide(lambda use_cases: use_cases.identities),
        "operations": provide(lambda use_cases: use_cases.operations),
    }
    opt = {
        "tag_description": "Health checks and public keys, for other services.",
        UNAVAILABLE_ERROR: None,
    }

    @get(
        "/health/live",
        summary="Check the process",
        response_description="The process responds.",
    )
    async def health_live(self) -> LivenessResponse:
        """Respond without any check of other parts."""
        return LivenessResponse()

    @get(
        "/health/ready",
        summary="Check all parts",
        response_description="Requests can be sent here. The health of each part is listed.",
        responses={
            503: ResponseSpec(
                ReadinessResponse,
                description="A disk of the instance rejects a write, or the service stops.",
                generate_examples=False,
            )
        },
    )
    async def health_ready(
        self, request: ApiRequest, operations: Injected[OperationsUseCases]
    ) -> Response[ReadinessResponse]:
        """Check all parts, with a write where that can be.

        The answer comes within a second. A part that takes longer does not work. Results are held:
        successes for five seconds, failures for one.

        - Until everything is open, the port refuses connections.
        - The status is 200 while a part that instances share does not work: another instance would
          do no better. `"database": "unavailable"` says that most requests get status 503.
        - `"disk": "low"` is a warning before writes are rejected.
        - After a stop signal the status is `stopping`: requests are still served, and new ones
          should go to another instance.
        """
        readiness = await operations.check_readiness()
        # The type of the response is that of the core: features add fields.
        shown: Any = show_readiness(readiness, is_stopping=request.settings.is_stopping())
        if request.app.state.client_ips.ignored_proxy is not None:
            shown["proxy"] = IGNORED_PROXY
        if shown["status"] == READY:
            return Response(shown)
        return Response(shown, status_code=503, headers={"Retry-After": "5"})

    @get(
        JWKS_PATH,
        summary="Get the keys that verify short-lived access tokens",
        response_description="The public keys. A new key is listed before it signs.",
        response_headers=_FOR_ALL_PAGES,
    )
    async def get_jwks(self, identities: Injected[IdentityUseCases]) -> JsonWebKeySet:
        """Return the public keys of the key set (JWKS).

        They verify the short-lived access tokens of a login with `"refresh": true`; the long-lived
        ones, which `verify-otp` returns by default, are signed with a key that is not published.

        The session of a token that they verify may have ended: only this service knows.
        """
        return JsonWebKeySet([to_json_web_key(key) for key in identities.list_public_keys()])

    @get(
        "/.well-known/openid-configuration",
        summary="Get the metadata of the issuer",
        response_description="Where the keys are, and the algorithm.",
        response_headers=_FOR_ALL_PAGES,
        errors=(NoIssuerMetadata,),
    )
    async def get_issuer_metadata(self, request: ApiRequest) -> IssuerMetadata:
        """Return what gateways need to verify short-lived access tokens.

        This service is no OpenID Provider and no OAuth server: its own API issues the tokens. The
        metadata is only there if the issuer is the public URL of the service (OpenID Connect
        Discovery 1.0 §4.3).
        """
        issuer = request.settings.identities.token_issuer
        url = request.settings.server.public_url
        if issuer != url:
            raise NoIssuerMetadata(
                f"The issuer of access tokens is {issuer}, and metadata at this place is that of "
                f"the issuer {url}. The keys are at {url}{JWKS_PATH}."
            )
        return IssuerMetadata(issuer=issuer, jwks_uri=f"{url}{JWKS_PATH}")
