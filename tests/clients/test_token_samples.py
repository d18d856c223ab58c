"""The samples of `docs/tokens.md` accept tokens of a service, and reject all others."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.security.keys.keys import load_secrets_file
from application.ports.keys import KeyPurpose
from tests.clients.conftest import OTP, SAMPLES_PHONE
from tests.clients.programs import link_npm_packages, run, run_node, run_python
from tests.support.client import open_session
from tests.support.markdown import PROJECT, blocks_in, page
from tests.support.servers.process import find_or_install
from tests.support.service import Service

# Installing Go or Node.js may take minutes.
pytestmark = pytest.mark.timeout(600)

# Each program prints the users of the tokens in a file, null for a token that is rejected.
_PYTHON: Final = """
if __name__ == "__main__":
    import json
    import sys

    users = []
    for line in open(sys.argv[1]):
        try:
            users.append(verify(line.strip())["sub"])
        except jwt.PyJWTError:
            users.append(None)
    print(json.dumps(users))
"""
_JAVASCRIPT: Final = """
import {readFileSync} from "node:fs";
import {errors} from "jose";

const users = [];
for (const token of readFileSync(process.argv[2], "utf8").trim().split("\\n")) {
  try {
    users.push((await verify(token)).sub);
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    users.push(null);
  }
}
console.log(JSON.stringify(users));
"""
_GO: Final = """
func main() {
	text, _ := os.ReadFile(os.Args[1])
	users := []*string{}
	for _, token := range strings.Fields(string(text)) {
		claims, err := Verify(token)
		if err == nil {
			users = append(users, &claims.Subject)
		} else if err == ErrInvalid {
			users = append(users, nil)
		} else {
			panic(err)
		}
	}
	output, _ := json.Marshal(users)
	fmt.Println(string(output))
}
"""


SAMPLES: Final = {
    "python": "".join(blocks_in("python", page("docs/tokens.md#in-python"))),
    "js": "".join(blocks_in("js", page("docs/tokens.md#in-javascript"))),
    "go": (PROJECT / "docs/deploy/verify_token.go").read_text(encoding="utf-8"),
}


def run_python_sample(sample: str, tokens: Path) -> str:
    program = tokens.with_name("sample.py")
    program.write_text(sample + _PYTHON)
    return run_python(program, tokens, folder=tokens.parent)


def run_javascript_sample(sample: str, tokens: Path) -> str:
    program = tokens.with_name("sample.mjs")
    program.write_text(sample + _JAVASCRIPT)
    link_npm_packages(tokens.parent, "tokens")
    return run_node(program, tokens, folder=tokens.parent)


def run_go_sample(sample: str, tokens: Path) -> str:
    program = tokens.with_name("sample.go")
    program.write_text(sample.replace('"net/http"', '"net/http"\n\t"os"') + _GO)
    environ = {"GOCACHE": str(tokens.parent / "cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    go = find_or_install("go", "golang-go")
    return run(go, "run", program, tokens, folder=tokens.parent, environ=environ)


def encode(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def open_token(service: Service, **fields: Any) -> str:
    return str(open_session(service, SAMPLES_PHONE, otp=OTP, **fields)["access_token"])


class Tokens:
    """Tokens of a service, and forged ones, by what is wrong with them."""

    def __init__(self, service: Service) -> None:
        self.good = open_token(service, refresh=True)
        self.payload = jwt.decode(self.good, options={"verify_signature": False})
        self._header = jwt.get_unverified_header(self.good)
        keys = load_secrets_file(service.folder / "secrets.json").keys
        self._key = keys[KeyPurpose.SIGNING][0].key.decode()
        other = generate_private_key(SECP256R1())
        other_jwk = jwt.algorithms.ECAlgorithm.to_jwk(other.public_key(), as_dict=True)
        head, payload, signature = self.good.split(".")
        now = int(time.time())
        self.rejected = {
            "issuer": self._sign(iss="https://staging.example.org"),
            "no issuer": self._sign(iss=None),
            "audience": self._sign(aud="another"),
            "expired": self._sign(iat=now - 900, exp=now - 60),
            "no end": self._sign(exp=None),
            "not valid yet": self._sign(nbf=now + 600),
            "critical": self._sign({"crit": ["x"], "x": 1}),
            "type": self._sign({"typ": "JWT"}),
            "no type": self._sign({"typ": None}),
            "unknown kid": self._sign({"kid": "0000000c"}),
            "another key": self._sign(key=other),
            "a key of its own": self._sign({"jwk": other_jwk}, key=other),
            "long-lived": open_token(service),
            "no algorithm": f"{encode(self._header | {'alg': 'none'})}.{payload}.",
            "no signature": f"{head}.{payload}.",
            "tampered": f"{head}.{encode(self.payload | {'sub': 'f' * 24})}.{signature}",
            "malformed": "a.b.c",
            **{f"HS256, {name}": self._mac(secret) for name, secret in self._public_key().items()},
        }

    def _sign(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        header, payload = self._header | (header or {}), self.payload | claims
        # PyJWT adds the type that the header does not have.
        parts = [
            encode({k: v for k, v in part.items() if v is not None}) for part in (header, payload)
        ]
        content = ".".join(parts)
        algorithm = jwt.get_algorithm_by_name("ES256")
        signature = algorithm.sign(content.encode(), algorithm.prepare_key(key or self._key))
        return f"{content}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def _public_key(self) -> dict[str, bytes]:
        algorithm = jwt.get_algorithm_by_name("ES256")
        public_key = algorithm.prepare_key(self._key).public_key()
        return {
            "PEM": public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "point": public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        }

    def _mac(self, secret: bytes) -> str:
        content = f"{encode(self._header | {'alg': 'HS256'})}.{encode(self.payload)}"
        mac = hmac.digest(secret, content.encode(), hashlib.sha256)
        return f"{content}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.fixture(scope="module")
def tokens(service: Service) -> Tokens:
    return Tokens(service)


@pytest.mark.parametrize(
    ("language", "run_sample"),
    [("python", run_python_sample), ("js", run_javascript_sample), ("go", run_go_sample)],
)
def test_a_sample_accepts_tokens_of_the_service_and_rejects_all_others(
    service: Service,
    tokens: Tokens,
    tmp_path: Path,
    language: str,
    run_sample: Callable[[str, Path], str],
) -> None:
    sample = SAMPLES[language]
    file = tmp_path / "tokens.txt"
    file.write_text("\n".join([tokens.good, *tokens.rejected.values(), tokens.good]))

    output = run_sample(sample.replace("https://dialtone.example.org", service.url), file)

    users = json.loads(output)
    assert users[0] == users[-1] == tokens.payload["sub"]
    accepted = zip(tokens.rejected, users[1:-1], strict=True)
    assert [name for name, user in accepted if user is not None] == []
