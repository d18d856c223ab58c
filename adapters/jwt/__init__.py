"""Access tokens as JSON Web Tokens (JWT)."""

from adapters.jwt.access_tokens import JwtAccessTokens

__all__ = ["JwtAccessTokens"]
