"""`gatehouse policy`: why a request is decided as it is, and whether the rules' tests hold."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.candidate import chosen, configured
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.in_force import configuration_asked_about
from gateway.cli.options import AsJson, Config, Data, Server, data_folder
from gateway.cli.output import note, print_json, print_line, print_table
from gateway.cli.pinning import resume, rollback
from gateway.cli.preview import preview
from gateway.cli.proposing import approve, proposals, propose, refuse
from gateway.cli.replay import replay
from gateway.cli.state import state_at
from gateway.cli.stored_versions import show, versions
from gateway.cli.times import parse_moment

if TYPE_CHECKING:
    from gateway.cli.posing import Given
    from gateway.configuration.build import Configuration
    from policy.rulebook.cases import Outcome, Posed
    from policy.rulebook.explain import Explanation

AuditId = Annotated[
    str | None,
    typer.Argument(metavar="[ID]", help="A request of the ledger; options say what is otherwise."),
]
Team = Annotated[str | None, typer.Option(help="The key's team.")]
User = Annotated[str | None, typer.Option(help="The key's user.")]
Roles = Annotated[list[str] | None, typer.Option(help="A role of the key.")]
Key = Annotated[str | None, typer.Option(help="The key's id.")]
AssistantName = Annotated[
    str | None, typer.Option(help='Its name, or with its version: "claude-code 2.1.198".')
]
Model = Annotated[str | None, typer.Option(help="The model, or an alias.")]
Label = Annotated[str | None, typer.Option("--class", help="The content's own data class.")]
Tools = Annotated[list[str] | None, typer.Option(help="A tool that is offered.")]
OperationName = Annotated[str | None, typer.Option(help="chat, embeddings, ...")]
BodyBytes = Annotated[int | None, typer.Option("--bytes", min=0, help="The body's size.")]
Tokens = Annotated[int | None, typer.Option(min=0, help="The input's estimate.")]
Address = Annotated[str | None, typer.Option(help="The caller's address.")]
At = Annotated[str | None, typer.Option(metavar="TIME", help="When: 2026-07-10. Default: now.")]

_VERSION = "A gatehouse.yaml, a version's digest or its beginning, `previous`, or a proposal."

policy = typer.Typer(
    help="Explain, test and rehearse the rules; list, compare and roll back what was in force.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
policy.command()(preview)
policy.command()(replay)
policy.command()(versions)
policy.command()(show)
policy.command()(rollback)
policy.command()(resume)
policy.command()(propose)
policy.command()(proposals)
policy.command()(approve)
policy.command()(refuse)


@policy.command()
def explain(
    audit_id: AuditId = None,
    team: Team = None,
    user: User = None,
    role: Roles = None,
    key: Key = None,
    assistant: AssistantName = None,
    model: Model = None,
    label: Label = None,
    tool: Tools = None,
    operation: OperationName = None,
    body_bytes: BodyBytes = None,
    tokens: Tokens = None,
    address: Address = None,
    at: At = None,
    config: Config = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say why a request is allowed or denied: which rule, where it stands, what others missed."""
    from gateway.cli.posing import Given

    if audit_id is None and (team is None or model is None):
        raise CommandFailed("name a request of the ledger, or --team and --model", Exit.USAGE)
    now = datetime.now(UTC)
    moment = None if at is None else int(parse_moment(at, now).timestamp())
    given = Given(
        team, user, tuple(role or ()), key, assistant, model, label, tuple(tool or ()),
        operation, body_bytes, tokens, address, moment,
    )  # fmt: skip
    folder = data_folder(data)
    configuration = configuration_asked_about(config, folder)
    told = _explained(configuration, folder, audit_id, given, int(now.timestamp()))
    _tell(told, as_json)


def _explained(
    configuration: "Configuration",
    folder: Path,
    audit_id: str | None,
    given: "Given",
    now_unix_seconds: int,
) -> "Explanation":
    from gateway.cli.opened_glasses import policy_at
    from gateway.cli.posing import altered, plain
    from policy.rulebook.explain import explain as explained

    body = None if audit_id is None else asyncio.run(_first_record(folder, audit_id))
    posed = plain(now_unix_seconds) if body is None else _recorded(body, configuration)
    asked = altered(posed, given, configuration.canonical)
    policy = policy_at(configuration.policy, folder, asked.circumstances.unix_seconds)
    told = explained(policy, asked.identity, asked.facts, asked.circumstances, asked.label)
    if body is not None and body["kind"] == "denied" and told.effect != "deny":
        by = f"{body.get('rule')} ({body.get('reason')})"
        note(
            f"when it was asked, it was denied by {by}: what was used by then, a key's own limits "
            "and conversations held elsewhere are not asked here"
        )
    return told


def _tell(told: "Explanation", as_json: bool) -> None:
    from gateway.cli.reasons import TABLE, lines_of, object_of, rows_of

    if as_json:
        print_json([object_of(told)])
        return
    for line in lines_of(told):
        print_line(line)
    if told.rules:
        print_table(TABLE, rows_of(told))


@policy.command("test")
def run_tests(config: Config = None, data: Data = None, as_json: AsJson = False) -> None:
    """Run the tests that stand beside the rules; name the rules that no test hits."""
    from policy.rulebook.cases import run, unhit

    configuration = configured(config, data_folder(data))
    rules = configuration.policy
    outcomes = run(rules, configuration.policy_tests, configuration.canonical, int(time.time()))
    failed = [each for each in outcomes if not each.passed]
    left, doubts = unhit(rules, outcomes), _doubts(configuration)
    if as_json:
        print_json(_object(each) for each in outcomes)
        counted = {"passed": len(outcomes) - len(failed), "failed": len(failed)}
        print_json([{**counted, "unhit": left, "notices": doubts}])
    else:
        note(f"policy {configuration.digest[:12]}: {len(rules.rules)} rules")
        for doubt in doubts:
            note(f"note: {doubt}")
        for each in failed:
            print_line(f"failed: {each.case.document.name} ({each.case.place})")
            for missed in each.missed:
                print_line(f"  {missed}")
        print_line(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
        if left:
            print_line(f"hit by no test: {', '.join(left)}")
    if failed:
        raise typer.Exit(Exit.FAILED)


@policy.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_VERSION)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another one.")],
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Compare two configurations: their rules and all else, and what becomes of the tests."""
    from gateway.cli.versions_of_policy import changes_of_rules, flips_of_cases, other_changes

    kept = state_at(server, data).versions
    before, after = chosen(old, kept), chosen(new, kept)
    rules = list(changes_of_rules(before.policy, after.policy))
    flips = list(flips_of_cases(before, after, int(time.time())))
    others = list(other_changes(before, after))
    if as_json:
        print_json(
            {"change": each.what, "rule": each.rule, "fields": each.fields} for each in rules
        )
        print_json({"path": each.path, "old": each.old, "new": each.new} for each in others)
        print_json({"case": each.name, "old": each.old, "new": each.new} for each in flips)
        return
    for change in rules:
        fields = f": {', '.join(change.fields)}" if change.fields else ""
        print_line(f"{change.what} {change.rule}{fields}")
    for each in others:
        print_line(f"{each.what} {each.path}: {each.before_and_after}")
    for flip in flips:
        print_line(f"otherwise decided: {flip.name}: {flip.old} before, {flip.new} after")
    note(
        f"{len(rules)} rules differ, {len(others)} other values; "
        f"{len(flips)} tests are decided otherwise"
    )


def _recorded(body: Mapping[str, Any], configuration: "Configuration") -> "Posed":
    from gateway.cli.posing import recorded

    decided_by = str(body.get("config_digest", ""))
    if decided_by != configuration.digest:
        note(f"decided by {decided_by[:12]}; explained by {configuration.digest[:12]}")
    asks = any(rule.written.document.match.networks for rule in configuration.policy.rules)
    if asks and "address" not in body:
        note("where the caller was is not on record: without --address it is not known")
    return recorded(body)


async def _first_record(folder: Path, audit_id: str) -> Mapping[str, Any]:
    from gateway.cli.data import opened_ledger
    from gateway.store.ledger import AmbiguousAuditId, ExchangeNotFound

    async with opened_ledger(folder) as ledger:
        try:
            rows = await ledger.exchange(audit_id)
        except (AmbiguousAuditId, ExchangeNotFound) as error:
            raise CommandFailed(str(error), Exit.NOT_FOUND) from error
    return next((row.body for row in rows if row.kind in ("admitted", "denied")), rows[0].body)


def _doubts(configuration: "Configuration") -> list[str]:
    from gateway.configuration.rule_lint import due, lint

    policy = configuration.policy
    return [*lint(policy, policy.sources.targets), *due(policy, int(time.time()))]


def _object(outcome: "Outcome") -> dict[str, object]:
    case = outcome.case
    return {
        "test": case.document.name,
        "file": case.file,
        "line": case.line,
        "passed": outcome.passed,
        "missed": list(outcome.missed),
        "effect": outcome.explanation.effect,
        "rules": list(outcome.explanation.speaking),
    }
