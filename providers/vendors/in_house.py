"""An engine of the company's own: vLLM, SGLang, llama.cpp, Ollama, TGI, LM Studio and the like."""

from providers.base import Auth, VendorRecord, Via, WireName

PATHS = {
    WireName.OPENAI_CHAT: "/v1/chat/completions",
    WireName.OPENAI_RESPONSES: "/v1/responses",
    WireName.OPENAI_COMPLETIONS: "/v1/completions",
    WireName.OPENAI_EMBEDDINGS: "/v1/embeddings",
    WireName.MISTRAL_FIM: "/v1/fim/completions",
    WireName.JINA_RERANK: "/v1/rerank",
    WireName.ANTHROPIC_MESSAGES: "/v1/messages",
    WireName.GEMINI: "/v1beta/models/{model}:{action}",
}

IN_HOUSE = VendorRecord(
    kind="in_house",
    in_house=True,
    base_url=None,  # the root of the engine: each wire has its own path below it
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.BEARER),  # sent only when a key is configured
    litellm_prefix=None,
    via=Via.DIRECT,
    forwarded_headers=frozenset({"anthropic-version", "anthropic-beta"}),
)
