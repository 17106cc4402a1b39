"""Moonshot AI's Kimi models, spoken to in the dialect that LiteLLM knows."""

from providers.base import Auth, VendorRecord, Via, WireName

PATHS = {WireName.OPENAI_CHAT: "/chat/completions"}

MOONSHOT = VendorRecord(
    kind="moonshot",
    in_house=False,
    base_url="https://api.moonshot.ai/v1",
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.BEARER),
    litellm_prefix="moonshot",
    via=Via.LITELLM,
    # This is the international address (api.moonshot.cn is the Chinese one). Which company and
    # which law stand behind it depends on the contract: say jurisdiction, region and retention
    # in the configuration.
)
