"""Keys, tokens, encryption, and proofs of clients."""
