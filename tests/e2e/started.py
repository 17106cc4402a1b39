"""A gateway and an engine started as a person starts them: commands, files, and what they print."""

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai

from gateway.store.database import FILE_NAME
from tests.fakes.ledger_file import exchange_records

GATEHOUSE = Path(sys.executable).with_name("gatehouse")
ENDS = frozenset({"completed", "denied", "unknown"})
_STOP_SECONDS = 20.0
_KNOWN_SECONDS = 60.0  # a running gateway looks for new keys once a second


@dataclass(frozen=True, slots=True)
class Key:
    """A virtual key and the id by which it is revoked."""

    id: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Started:
    """A gateway that serves, known by its ready file only."""

    base_url: str
    developer_key: str = field(repr=False)
    admin_url: str
    admin_key: str = field(repr=False)
    data: Path
    process: subprocess.Popen[str]

    def run(self, *arguments: str) -> str:
        """What a command beside this gateway prints."""
        command = [GATEHOUSE, *arguments, "--data", self.data]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def key_for(self, team: str) -> Key:
        """A fresh developer key, made by the command, once this gateway knows it."""
        told = json.loads(self.run("key", "create", "--user", "anna", "--json", "--team", team))
        deadline = time.monotonic() + _KNOWN_SECONDS
        while not self._knows(told["key"]):
            assert time.monotonic() < deadline, "the gateway does not learn of a new key"
            time.sleep(0.02)
        return Key(told["id"], told["key"])

    def keys_for(self, *teams: str) -> dict[str, Key]:
        """A fresh developer key of each team, made by the admin API."""
        headers = {"authorization": f"Bearer {self.admin_key}"}
        keys = {}
        with httpx.Client(
            base_url=self.admin_url, headers=headers, trust_env=False, timeout=60.0
        ) as admin:
            for team in teams:
                made = admin.post("/admin/v1/keys", json={"user": "anna", "team": team})
                told = made.raise_for_status().json()
                keys[team] = Key(told["key"]["id"], told["secret"])
        return keys

    def _knows(self, key: str) -> bool:
        headers = {"authorization": f"Bearer {key}"}
        asking = urllib.request.Request(f"{self.base_url}/v1/models", headers=headers)
        try:
            with urllib.request.urlopen(asking, timeout=_KNOWN_SECONDS):
                return True
        except urllib.error.HTTPError as refused:
            return refused.code != 401

    def story(self, audit_id: str) -> list[dict[str, Any]]:
        """The ledger's records of one exchange, once its end is there."""
        deadline = time.monotonic() + _KNOWN_SECONDS
        while True:
            records = [each for each in self.durable() if each["exchange_id"] == audit_id]
            if records and records[-1]["kind"] in ENDS:
                return records
            assert time.monotonic() < deadline, f"exchange {audit_id} does not end: {records}"
            time.sleep(0.01)

    def followed(self, audit_id: str) -> list[dict[str, Any]]:
        """The same, as the command that follows the ledger prints them."""
        records: list[dict[str, Any]] = []
        command = [GATEHOUSE, "audit", "tail", "-n", "1000", "--follow", "--json"]
        with subprocess.Popen(
            [*command, "--data", self.data], stdout=subprocess.PIPE, text=True
        ) as following:
            assert following.stdout is not None
            for line in following.stdout:
                record = json.loads(line)
                if record.get("exchange_id") == audit_id:
                    records.append(record)
                    if record["kind"] in ENDS:
                        break
            following.terminate()
        return records

    def durable(self) -> list[dict[str, Any]]:
        """Every record of an exchange that would outlive this gateway, each lane in order."""
        return exchange_records(self.data)

    def records(self) -> list[dict[str, Any]]:
        """Every ledger record of this gateway's exchanges, lane by lane, each in order."""
        uri = (self.data / FILE_NAME).as_uri() + "?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            rows = connection.execute("SELECT body FROM audit_body ORDER BY lane, seq").fetchall()
        return [body for row in rows if "exchange_id" in (body := json.loads(row[0]))]

    def changes(self) -> list[dict[str, Any]]:
        """Every ledger record of what people changed, oldest first."""
        uri = (self.data / FILE_NAME).as_uri() + "?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            rows = connection.execute("SELECT body FROM audit_body ORDER BY lane, seq").fetchall()
        return [body for row in rows if "actor" in (body := json.loads(row[0]))]

    def openai(self, key: str | None = None) -> openai.AsyncOpenAI:
        """OpenAI's own client, pointed here. It never asks twice: what is refused is seen."""
        return openai_client(self.base_url, key or self.developer_key)

    def anthropic(self, key: str | None = None) -> anthropic.AsyncAnthropic:
        """Anthropic's own client, the same way."""
        return anthropic_client(self.base_url, key or self.developer_key)


def openai_client(root: str, key: str) -> openai.AsyncOpenAI:
    """OpenAI's own client for a server below `root`, deaf to this machine's proxies."""
    http = openai.DefaultAsyncHttpxClient(trust_env=False)
    return openai.AsyncOpenAI(base_url=f"{root}/v1", api_key=key, max_retries=0, http_client=http)


def anthropic_client(root: str, key: str) -> anthropic.AsyncAnthropic:
    """Anthropic's own client, which sends its key as a bearer token as Claude Code does."""
    http = anthropic.DefaultAsyncHttpxClient(trust_env=False)
    return anthropic.AsyncAnthropic(base_url=root, auth_token=key, max_retries=0, http_client=http)


@contextmanager
def started_gateway(
    folder: Path, *options: str, environ: Mapping[str, str] | None = None
) -> Generator[Started]:
    """Run `gatehouse up` in `folder` on a free port until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    ready_file, data = folder / "ready.json", folder / "data"
    command = [GATEHOUSE, "up", "--port", "0", "--ready-file", ready_file, "--data", data]
    # The test run's own variables would tell the gateway things that a fresh machine does not.
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(folder), **(environ or {})}
    with (
        (folder / "log.txt").open("w") as log,
        subprocess.Popen(
            [*command, *options],
            cwd=folder,
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            greeting = process.stdout.readline()
            assert "serves at" in greeting, (folder / "log.txt").read_text()
            ready = json.loads(ready_file.read_text())
            keys = (ready["developer_key"], ready["admin_url"], ready["admin_key"])
            yield Started(ready["base_url"], *keys, data, process)
        finally:
            process.terminate()
            process.communicate(timeout=_STOP_SECONDS)
    assert process.returncode == 0, (folder / "log.txt").read_text()


@contextmanager
def configured_gateway(folder: Path, configuration: str) -> Generator[Started]:
    """Run `gatehouse up` in `folder` with this configuration in a file."""
    file = folder / "some.yaml"
    file.write_text(configuration)
    with started_gateway(folder, "--config", str(file)) as started:
        yield started


@contextmanager
def started_engine(model_file: Path, *, embeds: bool = False) -> Generator[str]:
    """Run llama.cpp on a model file, as somebody who has an engine already does; its root URL."""
    command = [sys.executable, "-m", "providers.local", "--model", model_file, "--threads", "1"]
    if embeds:
        command = [sys.executable, "-m", "tests.fakes.embedding_engine", model_file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["base_url"]
        finally:
            process.terminate()
