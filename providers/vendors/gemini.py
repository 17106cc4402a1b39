"""Google's Gemini API, on the protocol it owns."""

from providers.base import Auth, VendorRecord, Via, WireName

PATHS = {WireName.GEMINI: "/models/{model}:{action}"}

GEMINI = VendorRecord(
    kind="gemini",
    in_house=False,
    base_url="https://generativelanguage.googleapis.com/v1beta",
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.X_GOOG_API_KEY),
    litellm_prefix="gemini",
    via=Via.DIRECT,
    otel_provider="gcp.gemini",
    jurisdiction="US",  # where the company has its seat
    # Region and retention depend on the contract: say them in the configuration.
)
