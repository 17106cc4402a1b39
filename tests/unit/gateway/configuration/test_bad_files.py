"""Bad files, each refused with its line and words that say what to do, and never a secret."""

import time
import traceback

import pytest

from gateway.configuration.build import load
from gateway.configuration.problems import ConfigurationError
from tests.fakes.configurations import CANARIES, ENVIRON, GOOD, SHIPPED, write


def refused(folder, text: str | bytes) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(write(folder, text), ENVIRON, SHIPPED)
    return caught.value


def changed(before: str, after: str) -> str:
    assert before in GOOD
    return GOOD.replace(before, after, 1)


def without(line: str) -> str:
    return changed(line, "")


KEY = "${DEEPSEEK_API_KEY}"
URL = "http://127.0.0.1:8000"
TARGETS = "[house/qwen3-coder, deepseek/deepseek-chat]"

# what is wrong: (the file, the line it stands in, words the error must hold)
BAD = {
    "an empty file": ("", 1, "empty"),
    "only a comment": ("# nothing\n", 1, "empty"),
    "a list": ("- a\n- b\n", 1, "named entries"),
    "a word": ("gatehouse\n", 1, "named entries"),
    "no vendors": ("models: {}\nteams: {}\n", 1, "vendors: is required"),
    "no entries": ("vendors: {}\nmodels: {}\nteams: {}\n", 1, "at least one entry"),
    "two documents": (GOOD + "---\na: 1\n", 22, "another document"),
    "a tab": ("vendors:\n\thouse: {}\n", 2, "not YAML"),
    "a bracket left open": (changed("[coder]", "[coder"), 14, "not YAML"),
    "a colon too many": (changed("kind: in_house", "kind: in: house"), 3, "not YAML"),
    "an unquoted variable in braces": (
        "vendors:\n  d: { kind: deepseek, api_key: ${DEEPSEEK_API_KEY} }\n",
        2,
        '"${NAME}" in quotes',
    ),
    "a key twice": (changed("    clearance: internal\n", "    kind: deepseek\n"), 10, "twice"),
    "a team twice": (GOOD.replace("  web:", "  payments:"), 15, "first in line 14"),
    "a section twice": (GOOD + "models: {}\n", 22, "twice"),
    "a python object": (changed(KEY, "!!python/object/apply:os.system [id]"), 9, "tags"),
    "a tag of one's own": (changed(KEY, "!vault key"), 9, "tags"),
    "a merge key": (
        changed("  web:\n", "  web:\n    <<: {}\n"),
        16,
        "not text to YAML",
    ),
    "an unknown alias": (changed(KEY, "*sk-canary-5e1f"), 9, "undefined alias"),
    "an alias of itself": ("vendors: &v\n  a: *v\n", 1, "nested too deeply"),
    "a name that is a number": (changed("  web:", "  12:"), 15, "put it in quotes"),
    "a name that YAML reads as a boolean": (changed("  web:", "  on:"), 15, "put it in quotes"),
    "a boolean for text": (changed("kind: in_house", "kind: true"), 3, "needs text"),
    "a no": (changed("[coder]", "[no]"), 14, '"no" in quotes'),
    "an exponent": (changed("parallel: 40", "parallel: 1e3"), 18, "whole number"),
    "an exponent with a point": (changed("5000", "1.0e+3"), 19, "numbers plainly"),
    "an octal": (changed("parallel: 40", "parallel: 010"), 18, "numbers plainly"),
    "a time of day": (changed("parallel: 40", "parallel: 1:30"), 18, "numbers plainly"),
    "infinity": (changed("5000", ".inf"), 19, "numbers plainly"),
    "a number in quotes": (changed("parallel: 40", "parallel: '40'"), 18, "whole number"),
    "a fraction": (changed("parallel: 40", "parallel: 40.5"), 18, "whole number"),
    "a limit of nothing": (changed("parallel: 40", "parallel: 0"), 18, "at least 1"),
    "a negative budget": (changed("5000", "-1"), 19, "at least 0"),
    "a budget beyond counting": (changed("5000", "9000001"), 19, "at most 9000000"),
    "an unset variable": (changed(KEY, "${NOT_SET}"), 9, "NOT_SET is not set"),
    "a variable without a name": (changed(KEY, "${}"), 9, "write ${NAME}"),
    "an empty variable for a key": (changed(KEY, "${EMPTY}"), 9, "${EMPTY} is filled in"),
    "a secret in the wrong place": (
        changed("kind: in_house", "kind: ${WORD}"),
        3,
        "unknown kind `${WORD}`",
    ),
    "a secret as an address": (changed(URL, "${WORD}"), 4, "once ${WORD} is"),
    "a secret as a class": (changed("restricted", "${WORD}"), 6, "once ${WORD} is"),
    "a secret as a target": (changed(TARGETS, '["${WORD}"]'), 12, "once ${WORD} is"),
    "a missing secret file": (changed(KEY, "file:none-such"), 9, "No such file"),
    "a folder as a secret": (changed(KEY, "file:."), 9, "cannot be read"),
    "a key with a space": (changed(KEY, "'sk-canary 5e1f'"), 9, "without spaces"),
    "an unknown field": (changed("    wires:", "    wire:"), 5, "did you mean `wires`?"),
    "an unknown section": (changed("telemetry:", "telemetri:"), 21, "did you mean `telemetry`?"),
    "an unknown limit": (changed("parallel:", "paralel:"), 18, "did you mean `parallel`?"),
    "an unknown kind": (changed("kind: deepseek", "kind: deepsek"), 8, "did you mean `deepseek`?"),
    "an unknown wire": (changed("[openai_chat,", "[openai_chats,"), 5, "must be one of"),
    "a wire twice": (changed("anthropic_messages]", "openai_chat]"), 5, "twice"),
    "a wire it does not speak": (
        changed("    kind: deepseek\n", "    kind: openai\n    wires: [gemini]\n"),
        9,
        "does not speak gemini",
    ),
    "no wires": (without("    wires: [openai_chat, anthropic_messages]\n"), 2, "wires is required"),
    "an empty list of wires": (
        changed("[openai_chat, anthropic_messages]", "[]"),
        5,
        "at least one entry",
    ),
    "wires through litellm": (
        changed("    kind: deepseek\n", "    kind: deepseek\n    wires: [openai_chat]\n"),
        9,
        "leave wires out",
    ),
    "through litellm where it does not go": (
        changed("    wires:", "    via: litellm\n    wires:"),
        5,
        "leave via out",
    ),
    "no address in the house": (without(f"    base_url: {URL}\n"), 2, "base_url is required"),
    "an address without a scheme": (changed(URL, "127.0.0.1:8000"), 4, "http:// or https://"),
    "an address of a file": (changed(URL, "file:///etc/passwd"), 4, "http:// or https://"),
    "an address with a password": (changed(URL, "http://u:sk-canary-5e1f@h"), 4, "no user"),
    "an address with a query": (changed(URL, "http://h/?a=b"), 4, "an address is"),
    "an address with a wrong port": (changed(URL, "http://h:99999"), 4, "an address is"),
    "an address of look-alikes": (changed(URL, "http://\u0435xample"), 4, "an address is"),
    "no key for a vendor": (without(f"    api_key: {KEY}\n"), 7, "api_key is required"),
    "a key for the rehearsal model": (
        changed("kind: deepseek\n", "kind: rehearsal\n"),
        9,
        "takes no api_key",
    ),
    "an unknown clearance": (changed("restricted", "secret"), 6, "must be one of 'public'"),
    "a date that is none": (
        changed("    clearance: internal\n", "    review_date: 2027-02-30\n"),
        10,
        "YYYY-MM-DD",
    ),
    "a target without a vendor": (changed(TARGETS, "[qwen3-coder]"), 12, "vendor/model"),
    "no target": (changed(TARGETS, "[]"), 12, "at least one entry"),
    "one target, not in a list": (changed(TARGETS, "house/qwen3-coder"), 12, "needs a list"),
    "a target twice": (changed("deepseek/deepseek-chat", "house/qwen3-coder"), 12, "twice"),
    "an unknown vendor": (changed("[house/", "[hause/"), 12, "did you mean `house`?"),
    "an unknown model": (changed("[coder]", "[coda]"), 14, "did you mean `coder`?"),
    "a model twice": (changed("[coder]", "[coder, coder]"), 14, "twice"),
    "models that differ in case": (
        changed("models:\n", "models:\n  CODER: { targets: [house/x] }\n"),
        13,
        "upper and lower case",
    ),
    "a model with another hyphen": (changed("  coder:", "  gpt\u20114:"), 12, "model's name"),
    "limits of a user that limit nothing": (
        changed("parallel: 40", "per_user: { strict: true }"),
        18,
        "per_user: limits nothing",
    ),
    "a strict user without tokens or money": (
        changed("parallel: 40", "per_user: { parallel: 4, strict: true }"),
        18,
        "tokens and money only",
    ),
    "limits in a zone there is none": (
        changed("parallel: 40", "time_zone: Mars/Olympus"),
        18,
        "no time zone this machine knows",
    ),
    "a limit that is a word": (changed("parallel: 40", "usd_per_day: lots"), 18, "needs a number"),
    "a team in capitals": (changed("  web:", "  Web:"), 15, "a-z"),
    "a team of look-alikes": (changed("  web:", "  w\u0435b:"), 15, "a-z"),
    "a name with a zero width": (changed("  web:", '  "we\\u200bb":'), 15, "a-z"),
    "a name that climbs": (changed("  web:", "  ../web:"), 15, "a-z"),
    "no data class": (changed("    data_class: internal\n", ""), 15, "data_class: is required"),
    "an unknown data class": (changed("confidential", "secret"), 14, "must be one of"),
    "a team without anything": (
        changed("payments: { models: [coder], data_class: confidential }", "payments:"),
        14,
        "named entries",
    ),
    "a team that could never use its model": (
        changed("[house/qwen3-coder, ", "["),
        14,
        "team payments could never use model coder",
    ),
    "a price for nobody": (changed("{}", "{ hause/x: { input: 1, output: 1 } }"), 20, "`house`"),
    "half a price": (changed("{}", "{ house/x: { input: 1 } }"), 20, "output: is required"),
    "a price that is a word": (
        changed("{}", "{ house/x: { input: 1, output: cheap } }"),
        20,
        "needs a number",
    ),
    "an unknown protocol": (
        changed("4317 }", "4317, otlp_protocol: udp }"),
        21,
        "'grpc' or 'http'",
    ),
    "an exporter without an endpoint": (
        changed("otlp_endpoint: http://127.0.0.1:4317", "exporter: otlp"),
        21,
        "add otlp_endpoint",
    ),
    "a control character": (changed("in_house", "in\x01house"), None, "characters"),
    "bytes that are not UTF-8": (b"vendors:\n  a\xff: {}\n", 2, "UTF-8"),
    "a file in UTF-16": (GOOD.encode("utf-16"), 1, "UTF-8"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_line_and_words(tmp_path, name):
    text, line, words = BAD[name]
    lines = refused(tmp_path, text).lines
    where = f"gatehouse.yaml:{line}:" if line else "gatehouse.yaml:"
    assert [each for each in lines if where in each and words in each], lines


@pytest.mark.parametrize("name", BAD)
def test_no_error_shows_a_secret_and_each_is_one_printable_line(tmp_path, name):
    error = refused(tmp_path, BAD[name][0])
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert not [each for each in CANARIES if each in shown]
    assert all(each.isprintable() and len(each) <= 500 for each in error.lines)


def test_the_path_of_the_value_stands_in_the_line(tmp_path):
    error = refused(tmp_path, changed("parallel: 40", "parallel: many"))
    assert str(error) == (
        f"{tmp_path}/gatehouse.yaml:18:79: teams.web.limits.parallel: "
        "needs a whole number, written like 600; ${NAME} can stand in text only"
    )


def test_all_problems_are_shown_at_once_in_the_files_order(tmp_path):
    text = GOOD.replace("in_house", "in_hause").replace("[coder]", "[coda]").replace(KEY, "file:x")
    assert [each.place.line for each in refused(tmp_path, text).problems] == [3, 9, 14, 16]


def test_a_secret_that_reaches_another_fields_text_is_scrubbed(tmp_path):
    text = changed(TARGETS, '["deepseek/${WORD}", "deepseek/${WORD}"]')
    assert "canary" not in str(refused(tmp_path, text))


def test_a_bomb_of_aliases_ends_quickly_in_one_line(tmp_path):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    started = time.perf_counter()
    error = refused(tmp_path, "\n".join(levels))
    assert time.perf_counter() - started < 5
    assert "too many values" in str(error)


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
def test_deep_nesting_ends_in_one_line(tmp_path, opening):
    assert len(refused(tmp_path, opening * 100_000).lines) == 1


def test_a_file_of_more_than_a_megabyte_is_refused_unread(tmp_path):
    assert "larger than" in str(refused(tmp_path, b"#" * 1_000_001))


def test_a_number_of_a_thousand_digits_is_refused(tmp_path):
    assert "numbers plainly" in str(refused(tmp_path, changed("40", "4" * 10_000)))


def test_a_thousand_mistakes_are_cut_to_a_readable_number(tmp_path):
    text = "vendors:\n" + "".join(f"  v{n}: !x y\n" for n in range(1_000))
    assert len(refused(tmp_path, text).lines) == 50


def test_a_canary_key_in_a_file_is_not_shown_when_the_file_is_wrong(tmp_path):
    write(tmp_path, "sk-canary-5e1f two words\n", "key")
    error = refused(tmp_path, changed(KEY, "file:key"))
    assert "without spaces" in str(error)
    assert "sk-canary" not in str(error)
