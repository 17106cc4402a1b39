"""What a gateway starts with: a file, a model file, what runs here, else the rehearsal model."""

from pathlib import Path

import pytest

from gateway.configuration.choice import (
    ConflictingOptions,
    choose_configuration,
    embedded_configuration,
    load_configuration,
    shipped_with,
)
from gateway.configuration.problems import ConfigurationError
from gateway.settings import ServeOptions
from providers.base import Secret, WireName
from providers.catalogue import Price, PriceBook
from providers.discovery import FoundEngine
from providers.local import LocalEngineError
from tests.fakes.configurations import ENVIRON, GOOD, SHIPPED, write

OLLAMA = FoundEngine(
    "ollama", "http://127.0.0.1:11434", frozenset({WireName.OPENAI_CHAT}), ("llama4",)
)
LOCAL = FoundEngine(
    "local", "http://127.0.0.1:1", frozenset({WireName.OPENAI_CHAT}), ("tiny",), Secret("only-ours")
)


class FakeEngine:
    def __init__(self, file: Path) -> None:
        self.file = file

    async def start(self) -> FoundEngine:
        if not self.file.exists():
            raise LocalEngineError("there is no such file")
        return LOCAL

    async def stop(self) -> None:
        raise AssertionError("whoever was given the engine stops it")


def options(folder: Path, **given: Path) -> ServeOptions:
    return ServeOptions(config=given.get("config"), data=folder, model=given.get("model"))


async def nothing_runs() -> tuple[FoundEngine, ...]:
    return ()


async def ollama_runs() -> tuple[FoundEngine, ...]:
    return (OLLAMA,)


async def nobody_may_look() -> tuple[FoundEngine, ...]:
    raise AssertionError("somebody looked around")


async def test_a_file_is_taken_as_it_is_and_nobody_looks_around(tmp_path):
    file = write(tmp_path, GOOD)
    choice = await choose_configuration(
        options(tmp_path, config=file), ENVIRON, SHIPPED, look=nobody_may_look
    )
    assert choice.configuration.source == file
    assert choice.engine is None
    assert choice.notes == choice.configuration.notices != ()


async def test_a_file_that_is_wrong_is_refused_and_nothing_else_is_tried(tmp_path):
    file = write(tmp_path, "vendors: {}\n")
    with pytest.raises(ConfigurationError):
        await choose_configuration(
            options(tmp_path, config=file), ENVIRON, SHIPPED, look=nobody_may_look
        )


async def test_a_file_and_a_model_file_exclude_each_other(tmp_path):
    both = options(tmp_path, config=write(tmp_path, GOOD), model=tmp_path / "tiny.gguf")
    with pytest.raises(ConflictingOptions, match="leave --model out"):
        await choose_configuration(both, ENVIRON, SHIPPED, make_engine=FakeEngine)


async def test_a_model_file_is_served_by_an_engine_that_is_handed_on(tmp_path):
    file = write(tmp_path, b"GGUF", "tiny.gguf")
    choice = await choose_configuration(
        options(tmp_path, model=file),
        ENVIRON,
        SHIPPED,
        look=nobody_may_look,
        make_engine=FakeEngine,
    )
    assert isinstance(choice.engine, FakeEngine)
    assert choice.engine.file == file
    assert choice.configuration.models["tiny"][0].name == "local/tiny"
    assert choice.configuration.vendors["local"].api_key == Secret("only-ours")
    assert "local at http://127.0.0.1:1" in choice.notes[0]


async def test_a_model_file_that_cannot_be_served_is_no_reason_to_serve_something_else(tmp_path):
    with pytest.raises(LocalEngineError):
        await choose_configuration(
            options(tmp_path, model=tmp_path / "none.gguf"),
            ENVIRON,
            SHIPPED,
            look=ollama_runs,
            make_engine=FakeEngine,
        )


async def test_what_runs_on_this_machine_is_served_and_named(tmp_path):
    choice = await choose_configuration(options(tmp_path), ENVIRON, SHIPPED, look=ollama_runs)
    assert tuple(choice.configuration.models) == ("llama4",)
    assert choice.notes[0].endswith("this machine: ollama at http://127.0.0.1:11434.")


async def test_where_nothing_runs_the_rehearsal_model_answers_and_says_what_it_is(tmp_path):
    choice = await choose_configuration(options(tmp_path), ENVIRON, SHIPPED, look=nothing_runs)
    assert tuple(choice.configuration.models) == ("rehearsal",)
    assert "is no language model" in choice.notes[0]


async def test_what_would_be_offered_without_a_file_is_what_a_start_offers(tmp_path):
    told = await embedded_configuration(ollama_runs)
    started = await choose_configuration(options(tmp_path), {}, SHIPPED, look=ollama_runs)
    assert told.digest == started.configuration.digest


def test_a_file_is_checked_with_what_ships(tmp_path):
    loaded = load_configuration(write(tmp_path, GOOD), ENVIRON)
    assert loaded.target_facts["deepseek/deepseek-chat"].price_known
    with pytest.raises(ConfigurationError):
        load_configuration(write(tmp_path, "models: {}\n"), ENVIRON)


def test_a_price_is_known_when_the_book_has_it():
    book = PriceBook("1", "a test", {"deepseek": {"chat": Price(input=1, output=1)}})
    shipped = shipped_with(book)
    assert shipped.has_price("deepseek", "chat")
    assert not shipped.has_price("deepseek", "other")
    assert "in_house" in shipped.records
