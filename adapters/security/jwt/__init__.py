"""Access tokens as JSON Web Tokens (JWT)."""

from adapters.security.jwt.access_tokens import JwtAccessTokens

__all__ = ["JwtAccessTokens"]
