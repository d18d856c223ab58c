"""All keys of the service, in one JSON file: the secrets file.

```json
{
  "version": 1,
  "otp_pepper":       [{"id": "5f0c1a9e", "not_before": "2026-05-01T09:30:00Z", "key": "<base64>"}],
  "signing":          [{"id": "…",        "not_before": "…",                    "key": "<PEM>"}],
  "refresh":          [{"id": "…",        "not_before": "…",                    "key": "<base64>"}],
  "phone_index":      [{"id": "…",        "not_before": "…",                    "key": "<base64>"}],
  "phone_encryption": [{"id": "…",        "not_before": "…",                    "key": "<base64>"}]
}
```

- Lists are newest first. The first key whose `not_before` has passed is used for new data. All
  keys of a list stay accepted.
- `phone_index` has exactly one key: with another key, no stored phone number is found.
- Unknown members are preserved.
"""
