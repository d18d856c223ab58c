"""The service's keys in one JSON file.

```json
{
  "version": 1,
  "peppers":      [{"id": "5f0c1a9e", "not_before": "2026-05-01T09:30:00Z", "key": "<base64>"}],
  "index_key":     {"id": "…",        "not_before": "…",                    "key": "<base64>"},
  "seal_keys":    [{"id": "…",        "not_before": "…",                    "key": "<base64>"}],
  "signing_keys": [{"id": "…",        "not_before": "…",                    "key": "<PEM>"}]
}
```

- `peppers` derive the codes, `index_key` the blind index of phones; at least 32 bytes each.
- `seal_keys` encrypt phones: 32 bytes each, AES-256.
- `signing_keys` sign access tokens: private keys on P-256, PKCS #8 in PEM.

An id is 8 hex digits; `not_before` is when the key may be used first. In a list the current key
stands first and older ones after it. There is one index key: changing it loses every phone.
The file belongs to the service's user alone (mode 0600). Members of other names are left alone.
"""

from adapters.secrets_file.load import load_or_make_secrets
from adapters.secrets_file.peppers import FilePeppers
from adapters.secrets_file.secrets import Secret, Secrets, SecretsNotUsable

__all__ = ["FilePeppers", "Secret", "Secrets", "SecretsNotUsable", "load_or_make_secrets"]
