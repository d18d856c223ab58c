"""Encryption of stored phone numbers."""

from adapters.encryption.phone_encryption import AesPhoneEncryption

__all__ = ["AesPhoneEncryption"]
