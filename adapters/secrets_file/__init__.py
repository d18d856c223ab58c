"""The service's keys in one JSON file.

```json
{
  "version": 1,
  "peppers":      [{"id": "5f0c1a9e", "not_before": "2026-05-01T09:30:00Z", "key": "<base64>"}],
  "index_key":     {"id": "…",        "not_before": "…",                    "key": "<base64>"},
  "seal_keys":    [{"id": "…",        "not_before": "…",                    "key": "<base64>"}],
  "signing_keys": [{"id": "…",        "not_before": "…",                    "key": "<PEM>"}],
  "refresh_keys": [{"id": "…",        "not_before": "…",                    "key": "<base64>"}]
}
```

- `otp_keys` derive the codes, `index_key` the blind index of phones, `refresh_keys` authenticate
  refresh tokens; at least 32 bytes each.
- `seal_keys` encrypt phones: 32 bytes each, AES-256.
- `signing_keys` sign access tokens: private keys on P-256, PKCS #8 in PEM.

An id is 8 hex digits. A list stands newest first: the first key whose `not_before` has come is used
for what is made now, and what any of them made counts. There is one index key: changing it loses
every phone. A file without `refresh_keys`, as earlier versions made it, has one that is derived
from its index key. The file belongs to the service's user alone (mode 0600). Members of other names
are left alone.
"""

from adapters.secrets_file.load import load_or_make_secrets
from adapters.secrets_file.peppers import FilePeppers
from adapters.secrets_file.refresh_keys import FileRefreshKeys
from adapters.secrets_file.rotate import rotate_secrets
from adapters.secrets_file.rotation import SHORTEST_DELAY, Lives, RotatedList
from adapters.secrets_file.secrets import Secrets, SecretsNotUsable
from adapters.secrets_file.watched import RELOAD_INTERVAL, WatchedSecrets

__all__ = [
    "RELOAD_INTERVAL",
    "SHORTEST_DELAY",
    "FilePeppers",
    "FileRefreshKeys",
    "Lives",
    "RotatedList",
    "Secrets",
    "SecretsNotUsable",
    "WatchedSecrets",
    "load_or_make_secrets",
    "rotate_secrets",
]
