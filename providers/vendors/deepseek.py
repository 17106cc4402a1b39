"""DeepSeek, spoken to in the dialect that LiteLLM knows."""

from providers.base import Auth, VendorRecord, Via, WireName

PATHS = {
    WireName.OPENAI_CHAT: "/chat/completions",
    WireName.OPENAI_COMPLETIONS: "/completions",  # with a suffix: fill-in-the-middle, a beta
}

DEEPSEEK = VendorRecord(
    kind="deepseek",
    in_house=False,
    base_url="https://api.deepseek.com/beta",
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.BEARER),
    litellm_prefix="deepseek",
    via=Via.LITELLM,
    otel_provider="deepseek",
    jurisdiction="CN",  # where the company has its seat
    # Region and retention depend on the contract: say them in the configuration.
)
