"""A stored version becomes the configuration it was, with the keys of today."""

from dataclasses import replace

import pytest

from gateway.configuration.problems import ConfigurationError
from gateway.configuration.restore import restore
from gateway.configuration.stored import Origin, StoredConfiguration
from tests.fakes.configurations import ENVIRON, GOOD, SHIPPED, configured, write, write_registered
from tests.fakes.policy_files import loaded

RULE = "rules:\n  - { id: %s, effect: deny, reason: x, match: { users: [bob] } }\n"
LITERAL = GOOD.replace("${DEEPSEEK_API_KEY}", "sk-canary-of-old-7")


def again(built, environ=ENVIRON, **more):
    return restore(built.stored, built.source, environ, SHIPPED, **more)


def key_of(configuration) -> str:
    key = configuration.vendors["deepseek"].api_key
    assert key is not None
    return key.reveal()


def test_it_is_what_it_was_whatever_the_files_say_now(tmp_path):
    write_registered(tmp_path)
    text = (tmp_path / "gatehouse.yaml").read_text() + "policy: [policy/*.yaml, policy/1.yaml]\n"
    built = loaded(tmp_path, RULE % "one", RULE % "two", configuration=text)
    for file in tmp_path.rglob("*.yaml"):
        file.write_text("nonsense")
    (tmp_path / "policy" / "0.yaml").unlink()
    made = again(built)
    assert made.digest == built.digest
    assert made.policy.rules[1].written == built.policy.rules[1].written
    assert made.registers.reviewed_vendors == built.registers.reviewed_vendors
    assert (made.teams, made.models, made.target_facts) == (
        built.teams,
        built.models,
        built.target_facts,
    )
    assert (made.origin, made.stored, made.watched, made.patterns) == (
        Origin.PIN,
        built.stored,
        (),
        (),
    )


def test_variables_and_files_of_keys_are_those_of_today(tmp_path):
    built = configured(tmp_path)
    assert key_of(again(built, {"DEEPSEEK_API_KEY": "sk-of-today"})) == "sk-of-today"
    key = write(tmp_path, "sk-then", "key")
    by_file = configured(tmp_path, GOOD.replace("${DEEPSEEK_API_KEY}", "file:key"))
    key.write_text("sk-now")
    made = again(by_file)
    assert (key_of(made), made.watched) == ("sk-now", (key,))


def test_a_variable_that_is_gone_is_told_with_the_version_and_the_line(tmp_path):
    built = configured(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        again(built, {})
    (line,) = refused.value.lines
    assert line.startswith(f"version {built.digest[:12]}, {built.source}:9:14: ")
    assert "DEEPSEEK_API_KEY is not set" in line


def test_a_key_that_stood_in_the_file_is_the_one_that_stands_there_now(tmp_path):
    built = configured(tmp_path, LITERAL)
    write(tmp_path, LITERAL.replace("of-old", "of-new").replace("data_class: ", "data_clas: "))
    made = again(built)
    assert key_of(made) == "sk-canary-of-new-7"
    assert made.digest == built.digest
    assert made.watched == (built.source,)


def test_it_may_be_a_reference_by_now(tmp_path):
    built = configured(tmp_path, LITERAL)
    key = write(tmp_path, "sk-in-a-file", "key")
    write(tmp_path, GOOD.replace("${DEEPSEEK_API_KEY}", "file:key"))
    made = again(built)
    assert (key_of(made), set(made.watched)) == ("sk-in-a-file", {built.source, key})


@pytest.mark.parametrize("now", [None, "not: [yaml", "vendors: {}", "vendors: none"])
def test_where_none_stands_there_now_the_vendor_and_what_to_do_are_told(tmp_path, now):
    built = configured(tmp_path, LITERAL)
    (built.source.unlink if now is None else lambda: write(tmp_path, now))()
    with pytest.raises(ConfigurationError) as refused:
        again(built)
    assert "gatehouse.yaml holds none at vendors.deepseek.api_key now; put it" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_database_and_a_store_in_the_file_are_those_that_stand_there_now(tmp_path):
    urls = "postgresql://gate:canary-one@db/gatehouse", "redis://:canary-two@store:6379/0"
    state = f"storage: {{ url: '{urls[0]}' }}\ncounters: {{ url: '{urls[1]}' }}\n"
    built = configured(tmp_path, f"{GOOD}{state}keys: {{ pepper: {'canary-pepper-' * 3} }}\n")
    kept = "".join(each.text for each in built.stored.files)
    assert "canary-" not in kept
    made = again(built)
    assert (made.storage, made.counting) == (built.storage, built.counting)
    assert again(built, opens_secrets=False).counting is None


def test_secrets_may_be_left_out(tmp_path):
    made = again(configured(tmp_path, LITERAL), {}, opens_secrets=False)
    assert made.vendors["deepseek"].api_key is None


def test_a_version_that_somebody_changed_in_the_store_is_refused(tmp_path):
    built = configured(tmp_path)
    (file,) = built.stored.files
    forged = replace(built.stored, files=(replace(file, text=file.text.replace("web", "sec")),))
    with pytest.raises(ConfigurationError, match="what is stored was changed"):
        restore(forged, built.source, ENVIRON, SHIPPED)


def test_a_version_without_files_cannot_be_made_again(tmp_path):
    with pytest.raises(ConfigurationError, match="its files are not kept"):
        restore(StoredConfiguration("d" * 64, None, ()), tmp_path, ENVIRON, SHIPPED)
