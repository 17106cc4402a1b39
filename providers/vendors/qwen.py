"""Alibaba's Qwen models on DashScope, spoken to in the dialect that LiteLLM knows."""

from providers.base import Auth, VendorRecord, Via, WireName

PATHS = {
    WireName.OPENAI_CHAT: "/chat/completions",
    WireName.OPENAI_COMPLETIONS: "/completions",
    WireName.OPENAI_EMBEDDINGS: "/embeddings",
}

QWEN = VendorRecord(
    kind="qwen",
    in_house=False,
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.BEARER),
    litellm_prefix="dashscope",
    via=Via.LITELLM,
    region="cn-beijing",  # of this address; the international endpoints are other addresses
    jurisdiction="CN",  # where the operator of this address has its seat
    # Retention depends on the contract: say it in the configuration.
)
