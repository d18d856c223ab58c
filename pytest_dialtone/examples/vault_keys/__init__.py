"""Keys from HashiCorp Vault: a key source as docs/key_sources.md says.

Settings: DIALTONE_SECRETS=pytest_dialtone.examples.vault_keys:open_vault_keys, VAULT_ADDR,
VAULT_SECRET_PATH, VAULT_TOKEN or VAULT_TOKEN_FILE, and VAULT_NAMESPACE where there is one.
"""

from pytest_dialtone.examples.vault_keys.source import VaultKeys, open_vault_keys

__all__ = ["VaultKeys", "open_vault_keys"]
