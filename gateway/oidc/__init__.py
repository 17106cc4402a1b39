"""OpenID Connect: ask a provider for its keys, verify its tokens, and say whose they are."""
