"""Assistants are told by what they really send, and nothing they send can forge a log."""

import pytest

from gateway.assistant import ASSISTANTS, recognise
from gateway.exchange import Assistant


def sent(user_agent: str = "", **headers: str) -> Assistant:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return recognise([(b"host", b"gw"), (b"user-agent", user_agent.encode()), *pairs])


@pytest.mark.parametrize(
    ("user_agent", "name", "version"),
    [
        ("claude-cli/2.1.329 (external, sdk-cli)", "claude-code", "2.1.329"),
        ("claude-code/2.1.329", "claude-code", "2.1.329"),
        (
            "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)",
            "codex",
            "0.169.0",
        ),
        ("codex_cli_rs/0.169.0 (Mac OS 15.1; arm64)", "codex", "0.169.0"),
        ("GeminiCLI-tui/0.61.0/gemini-3.8-flash (linux; x64; terminal)", "gemini-cli", "0.61.0"),
        ("GeminiCLI/0.5.0 (darwin; arm64)", "gemini-cli", "0.5.0"),
        ("QwenCode/0.24.4 (linux; x64)", "qwen-code", "0.24.4"),
        ("opencode/1.18.33 ai-sdk/provider-utils/3.0.20", "opencode", "1.18.33"),
        ("kimi-code-cli/2.1.0", "kimi-code", "2.1.0"),
        ("litellm/1.81.10", "litellm", "1.81.10"),
        ("aider/0.86.2", "aider", "0.86.2"),
        ("Cline/3.40.0", "cline", "3.40.0"),
        ("RooCode/3.30.0", "roo-code", "3.30.0"),
        ("Kilo-Code/4.120.0", "kilo-code", "4.120.0"),
        ("Zed/0.213.0 (linux; x86_64)", "zed", "0.213.0"),
        ("JetBrains-AI/253.1", "jetbrains", "253.1"),
        ("CLAUDE-CLI/v2.1", "claude-code", "2.1"),
        ("claude-cli", "claude-code", None),
        ("OpenAI/JS 5.20.1", "unrecognised", None),
        ("OpenAI/Python 2.20.0", "unrecognised", None),
        ("node-fetch", "unrecognised", None),
        ("zedtool/1.0", "unrecognised", None),
        ("my claude-cli/2.1", "unrecognised", None),
        ("", "unrecognised", None),
    ],
)
def test_a_user_agent_names_its_assistant(user_agent: str, name: str, version: str | None) -> None:
    assistant = sent(user_agent)
    assert (assistant.name, assistant.version) == (name, version)
    assert assistant.is_recognised is (name != "unrecognised")


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"x_initiator": "user", "x_interaction_type": "conversation-agent"}, "copilot-cli"),
        ({"x_initiator": "user"}, "copilot-cli"),
        ({"x_initiator": "agent"}, "copilot-cli"),
        ({"x_claude_code_session_id": "1"}, "claude-code"),
        ({"x_codex_turn_metadata": "{}"}, "codex"),
        ({"originator": "codex_exec"}, "codex"),
        ({"x_msh_device_id": "1"}, "kimi-code"),
        ({"x_title": "Roo Code"}, "roo-code"),
        ({"x_title": "Kilo Code"}, "kilo-code"),
        ({"x_title": "aider"}, "aider"),
        ({"x_title": "Continue"}, "continue"),
        ({"x_title": "Anything"}, "unrecognised"),
    ],
)
def test_an_anonymous_agent_is_told_by_its_other_headers(
    headers: dict[str, str], name: str
) -> None:
    assert sent("OpenAI/JS 5.20.1", **headers).name == name


@pytest.mark.parametrize("user_agent", ["node-fetch", "OpenAI/JSON 1.0", "Anthropic/Python 0.94"])
def test_who_asks_tells_nothing_of_another_agent(user_agent: str) -> None:
    assert sent(user_agent, x_initiator="agent").name == "unrecognised"


@pytest.mark.parametrize(
    "header",
    ["x_claude_code_session_id", "session_id", "thread_id", "x_session_id"],
)
def test_a_session_is_found_under_every_name(header: str) -> None:
    assert sent(**{header: "5e55-10n"}).session_id == "5e55-10n"


def test_a_session_header_with_an_underscore_counts_too() -> None:
    assert recognise([(b"session_id", b"a")]).session_id == "a"


def test_the_assistants_own_session_comes_before_the_common_one() -> None:
    assistant = sent(x_session_id="common", x_claude_code_session_id="own")
    assert assistant.session_id == "own"


def test_a_request_without_headers_is_unrecognised() -> None:
    assert recognise([]) == Assistant()


def test_the_first_of_two_headers_holds() -> None:
    twice = [(b"user-agent", b"claude-cli/1.0"), (b"user-agent", b"codex_exec/2.0")]
    assert recognise(twice).name == "claude-code"


@pytest.mark.parametrize(
    "forged",
    [
        b'claude-cli/2.1\n{"level":"info","msg":"forged"}',
        b"claude-cli/2.1\r\n\x1b[31mred\x00",
        "claude-cli/2.1 \u202e\u200b\u2028".encode(),
        b"claude-cli/2.1 \xff\xfe",
        b"claude-cli/2.1 " + b"x" * 100_000,
    ],
)
def test_nothing_unprintable_or_endless_is_kept(forged: bytes) -> None:
    assistant = recognise([(b"user-agent", forged), (b"session-id", forged)])
    kept = assistant.user_agent + (assistant.session_id or "")
    assert assistant.name == "claude-code"
    assert len(assistant.user_agent) <= 200
    assert len(assistant.session_id or "") <= 128
    assert kept.isascii()
    assert kept.isprintable()


def test_a_version_is_short() -> None:
    assert sent("claude-cli/" + "1" * 500).version == "1" * 32


def test_an_empty_session_is_none() -> None:
    assert sent(session_id="\x00\n ").session_id is None


def test_every_name_that_is_told_is_one_of_the_names_that_registers_go_by():
    assert sent("claude-cli/2.1.329").name in ASSISTANTS
    assert sent(x_msh_device_id="d").name in ASSISTANTS
    assert sent("JetBrains-AI/253.1").name in ASSISTANTS
    assert sent(x_title="Roo Code").name in ASSISTANTS
    assert sent("curl/8.5").name in ASSISTANTS
