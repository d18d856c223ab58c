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
from urllib.parse import urlsplit

import msgspec

from adapters.security.attestation.results import find_problem, invalid, unavailable, valid
from adapters.shared.http import (
    ConnectionFailed,
    HttpResponse,
    NoResponse,
    Timeouts,
    Transport,
    open_transport,
)
from application.features.attestation import ProofRequest, ProofResult
from application.ports.errors import PortError
from domain.otp.otp_request import Proof

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
_ERROR_CODE: Final = re.compile(r"[a-z-]{1,40}")
_SHOWN_ERRORS: Final = 3
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
_NOT_ACCEPTED: Final = "the provider rejects the secret in DIALTONE_ATTESTATION_SECRET"
_OTHER_SITE: Final = (
    "the provider says that DIALTONE_ATTESTATION_SITE_KEY and DIALTONE_ATTESTATION_SECRET are not "
    "of the same site"
)
_NO_REQUEST: Final = "the provider does not accept the requests of the service"
_FAULTS: Final = {
    "missing-input-secret": _NOT_ACCEPTED,
    "invalid-input-secret": _NOT_ACCEPTED,
    "invalid-keys": _NOT_ACCEPTED,  # reCAPTCHA
    "invalid-parsed-secret": _NOT_ACCEPTED,  # Turnstile
    "invalid-widget-id": _OTHER_SITE,  # Turnstile
    "invalid-sitekey": _OTHER_SITE,  # hCaptcha
    "sitekey-secret-mismatch": _OTHER_SITE,
    "not-using-dummy-passcode": _OTHER_SITE,  # hCaptcha: one of the keys is for tests
    "bad-request": _NO_REQUEST,
    "missing-remoteip": _NO_REQUEST,  # hCaptcha
    "invalid-remoteip": _NO_REQUEST,
    "internal-error": "the provider has an internal error",
}
"""The error codes that say nothing of the proof: it may be valid."""
_REJECTED_STATUSES: Final = {400, 422}
"""The 4xx with which some providers respond to an invalid proof. Another is about the service."""
_HCAPTCHA_HOST: Final = re.compile(r"(?:.+\.)?hcaptcha\.com")
_HCAPTCHA_SITE_KEY: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NO_HOSTNAMES: Final = {"", "not-provided"}
"""Values with which hCaptcha, under high traffic, names no host."""
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
    # Providers write the time in different ways. A time that cannot be read is not compared.
    challenge_ts: Any = None
    score: Any = None


class SiteverifyAttestation:
    """Asks a provider about each response of its widget.

    | answer of the provider | result |
    |---|---|
    | `success`, for one of our host names, and not older than ten minutes | valid |
    | the same of hCaptcha, without a host name | valid |
    | no `success`, another or no host name, a score | invalid |
    | an error about the keys, the request or the provider itself | unavailable |
    | none in three seconds, a 429, a 5xx, anything else | unavailable |

    The provider gets no IP: it knows the client from its widget. It accepts each response once, and
    it does not know the subject. hCaptcha gets the site key too: it checks that the response is one
    of our widget, also while it names no host.
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
        count_missing_hostname: Callable[[], object] = lambda: None,
    ) -> None:
        """Ask at a URL.

        Args:
            url: Where responses are checked.
            secret: The secret key at the provider.
            site_key: The public key of the widget.
            hostnames: Where the widget may have been: host names of pages, names of Android apps.
            transport: Sends the requests.
            now: A monotonic clock in seconds.
            count_missing_hostname: Counts a valid proof for which hCaptcha named no host.
        """
        self._url = url
        self._form = {"secret": secret}
        self._is_hcaptcha = is_hcaptcha(url, site_key)
        if self._is_hcaptcha:
            self._form["sitekey"] = site_key
        self._site_key = site_key
        self._hostnames = {hostname.lower() for hostname in hostnames}
        self._transport = transport
        self._now = now
        self._count_missing_hostname = count_missing_hostname
        self._checks = 0
        self._works_until = -math.inf
        self._has_scores = False

    async def request_proof(
        self,
        subject: str,  # noqa: ARG002 -- all clients get the same site key
        now: datetime,  # noqa: ARG002 -- and it does not expire
    ) -> ProofRequest:
        # With the site key, the client shows the widget.
        return ProofRequest(TYPE, {"site_key": self._site_key})

    async def verify(
        self,
        proof: Proof,
        subject: str,  # noqa: ARG002 -- the provider does not know it
    ) -> ProofResult:
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
        if self._lacks_hostname(answer):
            self._count_missing_hostname()
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
                "POST", self._url, form={**self._form, "response": response}
            )
        except ConnectionFailed as error:
            reason = f"no connection to the provider ({error.reason})"
            raise PortError(reason, error.details) from None
        except NoResponse as error:
            raise PortError("no response of the provider", error.details) from None
        answer = _parse(answered)
        if answer is not None and not answer.success:
            for error_code in answer.error_codes or ():
                if error_code in _FAULTS:
                    raise PortError(_FAULTS[error_code])
        is_answered = answered.status < 400 or answered.status in _REJECTED_STATUSES
        if answer is None or not is_answered:
            raise PortError(f"the provider responds with status {answered.status} and no result")
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
        if name.lower() not in self._hostnames and not self._lacks_hostname(answer):
            shown = name if _NAME.fullmatch(name) else "none"
            return f"its host name is not in DIALTONE_ATTESTATION_HOSTNAMES: {shown}"
        if _is_old(answer.challenge_ts):
            return "it is older than ten minutes"
        return None

    def _lacks_hostname(self, answer: _Answer) -> bool:
        """Return whether hCaptcha named no host. Without one, a proof of others is invalid."""
        return self._is_hcaptcha and (answer.hostname or "").lower() in _NO_HOSTNAMES


def is_hcaptcha(url: str, site_key: str) -> bool:
    """Return whether it is hCaptcha: by its host or, behind a proxy, as only its keys are UUIDs."""
    host = urlsplit(url).hostname or ""
    return bool(_HCAPTCHA_HOST.fullmatch(host) or _HCAPTCHA_SITE_KEY.fullmatch(site_key))


def _parse(response: HttpResponse) -> _Answer | None:
    """Return the answer in a response, None without one."""
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
    count_missing_hostname: Callable[[], object] = lambda: None,
    timeouts: Timeouts = TIMEOUTS,
) -> AsyncIterator[SiteverifyAttestation]:
    """Open the attestation, which keeps connections until the block ends.

    Opening sends no request.
    """
    async with open_transport(timeouts) as transport:
        yield SiteverifyAttestation(
            url,
            secret,
            site_key,
            hostnames,
            transport,
            count_missing_hostname=count_missing_hostname,
        )
