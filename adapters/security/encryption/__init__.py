"""Encryption of stored phone numbers."""

from adapters.security.encryption.phone_encryption import AesPhoneEncryption, find_key_id

__all__ = ["AesPhoneEncryption", "find_key_id"]
