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

- `otp_pepper`, `refresh` and `phone_index` are HMAC-SHA256 keys of at least 32 bytes. They derive
  one-time codes, authenticate refresh tokens, and compute the blind index of phone numbers.
- `phone_encryption` keys have 32 bytes (AES-256) and encrypt phone numbers.
- `signing` keys sign access tokens: P-256 private keys, PKCS #8 in PEM.
- A key id has 8 hex digits and is unique in its list.
- Lists are newest first. The first key whose `not_before` has passed is used for new data. All
  keys of a list stay accepted.
- `phone_index` has exactly one key: with another key, no stored phone number is found. It has two
  while `dialtone rotate-index-key` changes it.
- Unknown members are preserved.
- Only its owner has access to the file (mode 0600). A file of root may be readable by a group, and
  a file in a read-only mount of its own may have any owner and mode.
"""
