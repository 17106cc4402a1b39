"""OpenAI, on the protocols it owns."""

from providers.base import Auth, VendorRecord, Via, WireName

PATHS = {
    WireName.OPENAI_CHAT: "/chat/completions",
    WireName.OPENAI_RESPONSES: "/responses",
    WireName.OPENAI_COMPLETIONS: "/completions",
    WireName.OPENAI_EMBEDDINGS: "/embeddings",
}

OPENAI = VendorRecord(
    kind="openai",
    in_house=False,
    base_url="https://api.openai.com/v1",
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.BEARER),
    litellm_prefix="openai",
    via=Via.DIRECT,
    otel_provider="openai",
    jurisdiction="US",  # where the company has its seat
    # Region and retention depend on the contract: say them in the configuration.
)
