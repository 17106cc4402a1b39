"""The built-in model that says what the gateway did with a request. It has no address."""

from providers.base import Auth, VendorRecord, Via, WireName

# No embeddings and no ranks: vectors that look real would fill an index with noise.
PATHS = dict.fromkeys(
    (
        WireName.OPENAI_CHAT,
        WireName.OPENAI_RESPONSES,
        WireName.ANTHROPIC_MESSAGES,
        WireName.OPENAI_COMPLETIONS,
        WireName.MISTRAL_FIM,
    ),
    "",
)

REHEARSAL = VendorRecord(
    kind="rehearsal",
    in_house=True,
    base_url=None,
    paths=PATHS,
    auth=dict.fromkeys(PATHS, Auth.NONE),
    litellm_prefix=None,
    via=Via.BUILT_IN,
)
