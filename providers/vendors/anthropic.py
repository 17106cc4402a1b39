"""Anthropic, on the protocol it owns."""

from providers.base import Auth, VendorRecord, Via, WireName

PATHS = {WireName.ANTHROPIC_MESSAGES: "/messages"}

ANTHROPIC = VendorRecord(
    kind="anthropic",
    in_house=False,
    base_url="https://api.anthropic.com/v1",
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.X_API_KEY),
    litellm_prefix="anthropic",
    via=Via.DIRECT,
    forwarded_headers=frozenset({"anthropic-version", "anthropic-beta"}),
    otel_provider="anthropic",
    jurisdiction="US",  # where the company has its seat
    # Region and retention depend on the contract: say them in the configuration.
)
