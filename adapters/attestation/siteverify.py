"""Proofs of a provider's widget: Cloudflare Turnstile, hCaptcha or reCAPTCHA v2.

https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
https://docs.hcaptcha.com/#verify-the-user-response-server-side
https://developers.google.com/recaptcha/docs/verify
"""

import math
import re
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.attestation.results import find_problem, invalid, unavailable, valid
from adapters.http import (
    ConnectionFailed,
    HttpResponse,
    NoResponse,
    Timeouts,
    Transport,
    open_transport,
)
from application.ports.attestation import AttestationChallenge, AttestationResult
from application.ports.errors import PortError
from domain.otp.attestation_proof import AttestationProof

TYPE: Final = "siteverify"
# Some servers keep an idle connection for five seconds only (Node.js).
TIMEOUTS: Final = Timeouts(connect=1.0, read=3.0, total=3.0, pool=0.2, idle=4.0)
MAX_CHECKS: Final = 50
"""Proofs that are checked at the same time. Responses that mean nothing must not hold all
connections of the process."""
MAX_AGE: Final = timedelta(minutes=10)
SUCCESS_TTL: Final = 30.0
"""Seconds for which the health check needs no request after a response of the provider."""
_NO_RESPONSE_OF_A_CLIENT: Final = "dialtone-health-check"
_SECRET_ERRORS: Final = {"missing-input-secret", "invalid-input-secret"}
_INTERNAL_ERROR: Final = "internal-error"
_ERROR_CODE: Final = re.compile(r"[a-z-]{1,40}")
_SHOWN_ERRORS: Final = 3
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
_NOT_ACCEPTED: Final = "the provider rejects the secret in DIALTONE_ATTESTATION_SECRET"
_FOR_TESTS: Final = "the secret is one for tests: the provider accepts every response"
_SCORED: Final = (
    "the key has scores, with which no client fails: use a key of reCAPTCHA v2, Turnstile or "
    "hCaptcha"
)


class _Answer(msgspec.Struct, rename={"error_codes": "error-codes"}):
    success: bool
    hostname: str | None = None
    apk_package_name: str | None = None
    error_codes: list[str] | None = None
    # Providers write it in different ways. One that cannot be read is not compared.
    challenge_ts: Any = None
    score: Any = None


class SiteverifyAttestation:
    """Asks a provider about each response of its widget.

    | answer of the provider | result |
    |---|---|
    | `success`, for one of our host names, and not older than ten minutes | valid |
    | no `success`, another or no host name, a score | invalid |
    | an error about the secret, or an internal one | unavailable |
    | none in three seconds, a 5xx, anything else | unavailable |

    The provider gets no IP: it knows the client from its widget. It accepts each response once, and
    it does not know the subject.
    """

    binds_subject: Final = False

    def __init__(
        self,
        url: str,
        secret: str,
        site_key: str,
        hostnames: Collection[str],
        transport: Transport,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask at a URL.

        Args:
            url: Where responses are checked.
            secret: The secret key at the provider.
            site_key: The public key of the widget.
            hostnames: Where the widget may have been: host names of pages, names of Android apps.
            transport: Sends the requests.
            now: A monotonic clock in seconds.
        """
        self._url = url
        self._secret = secret
        self._site_key = site_key
        self._hostnames = {hostname.lower() for hostname in hostnames}
        self._transport = transport
        self._now = now
        self._checks = 0
        self._works_until = -math.inf
        self._has_scores = False

    async def challenge(
        self,
        subject: str,  # noqa: ARG002 -- all clients get the same site key
        now: datetime,  # noqa: ARG002 -- and it does not expire
    ) -> AttestationChallenge:
        # With the site key, the client shows the widget.
        return AttestationChallenge(TYPE, {"site_key": self._site_key})

    async def verify(
        self,
        proof: AttestationProof,
        subject: str,  # noqa: ARG002 -- the provider does not know it
    ) -> AttestationResult:
        if problem := find_problem(proof, TYPE):
            return invalid(problem)
        if self._checks >= MAX_CHECKS:
            return unavailable("too many proofs are checked at the same time")
        self._checks += 1
        try:
            answer = await self._request_answer(proof.response)
        except PortError as error:
            self._works_until = -math.inf
            return unavailable(str(error))
        finally:
            self._checks -= 1
        self._has_scores = answer.score is not None
        self._works_until = -math.inf if self._has_scores else self._now() + SUCCESS_TTL
        if problem := self._find_problem(answer):
            return invalid(problem, proof.response)
        return valid(proof.response)

    async def check(self) -> None:
        """Check that the provider answers, and accepts the secret.

        Raises:
            PortError: it does not; the text says why.
        """
        if self._now() < self._works_until:
            return
        answer = await self._request_answer(_NO_RESPONSE_OF_A_CLIENT)
        if answer.success:
            raise PortError(_FOR_TESTS)
        if self._has_scores:
            raise PortError(_SCORED)
        self._works_until = self._now() + SUCCESS_TTL

    async def _request_answer(self, response: str) -> _Answer:
        """Return what the provider says about a response.

        Raises:
            PortError: it cannot be used.
        """
        try:
            answered = await self._transport.request(
                "POST", self._url, form={"secret": self._secret, "response": response}
            )
        except ConnectionFailed as error:
            reason = f"no connection to the provider ({error.reason})"
            raise PortError(reason, error.details) from None
        except NoResponse as error:
            raise PortError("no response of the provider", error.details) from None
        answer = _parse(answered)
        if answer is None:
            raise PortError(f"the provider responds with status {answered.status} and no result")
        error_codes = answer.error_codes or []
        if not answer.success and _SECRET_ERRORS.intersection(error_codes):
            raise PortError(_NOT_ACCEPTED)
        if not answer.success and _INTERNAL_ERROR in error_codes:
            raise PortError("the provider has an internal error")
        return answer

    def _find_problem(self, answer: _Answer) -> str | None:
        """Return why a proof is not valid, or None."""
        if self._has_scores:
            return _SCORED
        if not answer.success:
            known = filter(_ERROR_CODE.fullmatch, answer.error_codes or [])
            shown = ", ".join(list(known)[:_SHOWN_ERRORS])
            return f"the provider rejects it ({shown or 'without a reason'})"
        name = answer.hostname or answer.apk_package_name or ""
        if name.lower() not in self._hostnames:
            shown = name if _NAME.fullmatch(name) else "none"
            return f"its host name is not in DIALTONE_ATTESTATION_HOSTNAMES: {shown}"
        if _is_old(answer.challenge_ts):
            return "it is older than ten minutes"
        return None


def _parse(response: HttpResponse) -> _Answer | None:
    """Return the answer in a response, None if there is none."""
    # Some providers have a 4xx for an invalid response or secret.
    if not (200 <= response.status < 300 or 400 <= response.status < 500):
        return None
    try:
        answer = msgspec.json.decode(response.text, type=_Answer)
    except (ValueError, RecursionError):
        return None
    return None if answer.success and response.status >= 400 else answer


def _is_old(challenge_ts: object) -> bool:
    try:
        solved_at = datetime.fromisoformat(str(challenge_ts))
        solved_at = solved_at if solved_at.tzinfo else solved_at.replace(tzinfo=UTC)
        return datetime.now(UTC) - solved_at > MAX_AGE
    except (ValueError, OverflowError):
        return False


@asynccontextmanager
async def open_siteverify(
    url: str,
    secret: str,
    site_key: str,
    hostnames: Collection[str],
    *,
    timeouts: Timeouts = TIMEOUTS,
) -> AsyncIterator[SiteverifyAttestation]:
    """Open the attestation, which keeps connections until the block ends.

    Opening sends no request.
    """
    async with open_transport(timeouts) as transport:
        yield SiteverifyAttestation(url, secret, site_key, hostnames, transport)
