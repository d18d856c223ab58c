"""Phones at rest, by HMAC and AES-GCM."""

from adapters.sealing.aes_phone_seal import AesPhoneSeal

__all__ = ["AesPhoneSeal"]
