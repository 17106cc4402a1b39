"""The roads LiteLLM knows: what is behind each provider prefix, and which one a vendor takes."""

from dataclasses import dataclass
from urllib.parse import quote

from providers.base import Target, UpstreamCall, Vendor, VendorRecord, Via, WireName
from providers.errors import UnsupportedFeature


@dataclass(frozen=True, slots=True)
class Road:
    """One LiteLLM provider, as far as we must know it. Every member is pinned by a test.

    `uses_openai_sdk`: LiteLLM sends through the `openai` package, else through its own handler.
    `speaks`: the protocol it sends. `image_schemes`: image addresses it passes on as they are; any
    other it would fetch itself, from wherever a request says. `function` is LiteLLM's name for it;
    a road without one is our own, from end to end (docs/decisions/0016).
    """

    uses_openai_sdk: bool
    speaks: WireName = WireName.OPENAI_CHAT
    image_schemes: tuple[str, ...] = ("https://", "http://")
    function: str | None = "acompletion"


ROADS = {
    "openai": Road(uses_openai_sdk=True),
    "dashscope": Road(uses_openai_sdk=True),
    "moonshot": Road(uses_openai_sdk=True),
    "zai": Road(uses_openai_sdk=True),
    "deepseek": Road(uses_openai_sdk=False),
    "hosted_vllm": Road(uses_openai_sdk=False),
    "anthropic": Road(False, WireName.ANTHROPIC_MESSAGES, ("https://",)),
    "gemini": Road(False, WireName.GEMINI, ()),
}
"""Only these are taken: a reply whose raw form nobody here can read could not be verified."""

RESPONSES = Road(False, WireName.OPENAI_RESPONSES, function=None)
COMPLETIONS = Road(True, WireName.OPENAI_COMPLETIONS, (), "atext_completion")
EMBEDDINGS = {
    "openai": Road(True, WireName.OPENAI_EMBEDDINGS, (), "aembedding"),
    "dashscope": Road(False, WireName.OPENAI_EMBEDDINGS, (), "aembedding"),
}

# Under any other prefix LiteLLM may ask the vendor's chat instead, and say nothing of it.
_COMPLETIONS_PREFIX = "text-completion-openai"
_PLAIN = {
    WireName.OPENAI_COMPLETIONS: WireName.OPENAI_COMPLETIONS,
    WireName.MISTRAL_FIM: WireName.OPENAI_COMPLETIONS,
    WireName.OPENAI_EMBEDDINGS: WireName.OPENAI_EMBEDDINGS,
    WireName.JINA_RERANK: WireName.JINA_RERANK,
}
"""What an upstream must speak for a client to be answered on these wires: never chat."""

_CONVERSES = frozenset({WireName.OPENAI_CHAT, WireName.ANTHROPIC_MESSAGES, WireName.GEMINI})
"""Who speaks one of these is asked on it, also where responses are spoken as well."""

# An engine has no prefix of its own. `hosted_vllm` costs a fifth of `openai` at 100 KB.
_BY_WIRE = (
    (WireName.OPENAI_CHAT, "hosted_vllm"),
    (WireName.ANTHROPIC_MESSAGES, "anthropic"),
    (WireName.GEMINI, "gemini"),
)


def road_for(vendor: Vendor, wire: WireName) -> tuple[str, Road]:
    """LiteLLM's prefix for a vendor, and the road, that answer a client of `wire`.

    The prefix is empty where LiteLLM is not asked. Raises `UnsupportedFeature` when no road leads
    there.
    """
    wanted = _PLAIN.get(wire)
    if wanted is None:
        if WireName.OPENAI_RESPONSES in vendor.wires and not vendor.wires & _CONVERSES:
            return "", RESPONSES
        prefix = prefix_for(vendor)
        return prefix, ROADS[prefix]
    # Where nothing is spoken directly the record tells what there is; but not of an engine.
    only_translated = vendor.via is Via.LITELLM and not vendor.record.in_house
    spoken = vendor.record.paths if only_translated else vendor.wires
    if wanted in spoken:
        if wanted is WireName.OPENAI_COMPLETIONS:
            return _COMPLETIONS_PREFIX, COMPLETIONS
        prefix = vendor.record.litellm_prefix or ""
        if wanted is WireName.OPENAI_EMBEDDINGS and prefix in EMBEDDINGS:
            return prefix, EMBEDDINGS[prefix]
    raise UnsupportedFeature(
        f"vendor {vendor.name!r} has nothing that answers {wire}; its chat is not asked instead"
    )


def refuse_without_road(call: UpstreamCall) -> None:
    """Raises `UnsupportedFeature`, naming the target, when no road answers this call."""
    try:
        road_for(call.target.vendor, call.wire)
    except UnsupportedFeature as error:
        error.target = call.target.name
        raise


def prefix_for(vendor: Vendor) -> str:
    """LiteLLM's prefix for a vendor. Raises `UnsupportedFeature` when no road leads there."""
    prefix = vendor.record.litellm_prefix
    if prefix is None:
        # Told to go by LiteLLM, an engine has no wire of its own left; all of them speak chat.
        spare = "hosted_vllm" if vendor.via is Via.LITELLM else None
        prefix = next((each for wire, each in _BY_WIRE if wire in vendor.wires), spare)
    if prefix not in ROADS:
        raise UnsupportedFeature(f"vendor {vendor.name!r} cannot be reached by translation")
    return prefix


def path_for(target: Target, road: Road, *, streaming: bool) -> str:
    """The path below the vendor's address, from its record and not from LiteLLM.

    Raises `UnsupportedFeature` when the record has none for the protocol of this road.
    """
    template = target.vendor.record.paths.get(road.speaks)
    if template is None:
        raise UnsupportedFeature(f"vendor {target.vendor.name!r} has no path for {road.speaks}")
    action = "streamGenerateContent?alt=sse" if streaming else "generateContent"
    model = quote(target.upstream_model, safe="/-._~")
    return template.replace("{model}", model).replace("{action}", action)


def call_to_nowhere(prefix: str) -> UpstreamCall:
    """A call down a road at whose end there is no server."""
    record = VendorRecord(
        kind="nowhere",
        in_house=True,
        base_url=None,
        paths={ROADS[prefix].speaks: "/"},
        auth={},
        litellm_prefix=prefix,
        via=Via.LITELLM,
    )
    vendor = Vendor("nowhere", record, "unix:/nonexistent", None, frozenset(), Via.LITELLM)
    body = b'{"messages": [{"role": "user", "content": "hello"}]}'
    return UpstreamCall(WireName.OPENAI_CHAT, Target(vendor, "none"), body, (), streaming=False)
