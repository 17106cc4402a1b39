"""Zhipu AI (Z.ai) and its GLM models, spoken to in the dialect that LiteLLM knows."""

from providers.base import Auth, VendorRecord, Via, WireName

PATHS = {WireName.OPENAI_CHAT: "/chat/completions"}

ZHIPU = VendorRecord(
    kind="zhipu",
    in_house=False,
    base_url="https://api.z.ai/api/paas/v4",
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.BEARER),
    litellm_prefix="zai",
    via=Via.LITELLM,
    # This is the international address (open.bigmodel.cn is the Chinese one). Which company and
    # which law stand behind it depends on the contract: say jurisdiction, region and retention
    # in the configuration.
)
