"""Read what an exception is to lift, for whom and for how long, from a command's options."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.times import parse_duration

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from policy.break_glass import Lifts
    from policy.rulebook.document import MatchDocument

_KINDS = ("vendor", "assistant")


def lifts_of(rules: Sequence[str], reviews: Sequence[str], extra_usd: str | None) -> "Lifts":
    """What to lift; reviews are written `vendor:NAME` or `assistant:NAME`."""
    from policy.break_glass import Lifts

    named: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for each in reviews:
        kind, colon, name = each.partition(":")
        if kind not in named or not colon or not name:
            raise CommandFailed(
                f"--register {each!r} is neither vendor:NAME nor assistant:NAME", Exit.USAGE
            )
        named[kind].append(name)
    extra = 0 if extra_usd is None else _nano_usd(extra_usd)
    lifts = Lifts(_once(rules), _once(named["vendor"]), _once(named["assistant"]), extra)
    if not lifts:
        raise CommandFailed(
            "say what to lift: --rule ID, --register vendor:NAME or --extra-usd N", Exit.USAGE
        )
    return lifts


def scope_of(**given: Sequence[str] | None) -> "MatchDocument":
    """For whom it is: values by the names of `match`'s fields. What is not given means all."""
    from pydantic import ValidationError

    from policy.rulebook.document import MatchDocument

    scope: dict[str, Any] = {name: _once(each) for name, each in given.items() if each}
    try:
        return MatchDocument.model_validate(scope)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        told = str(problem["msg"]).removeprefix("Value error, ")
        raise CommandFailed(f"--{str(problem['loc'][0])[:-1]}: {told}", Exit.USAGE) from None


def reason_of(written: str) -> str:
    """The reason, on one line."""
    from pydantic import TypeAdapter, ValidationError

    from policy.rulebook.document import MOST_TEXT, Line

    try:
        return TypeAdapter(Line).validate_python(written)
    except ValidationError:
        raise CommandFailed(
            f"--reason is one to {MOST_TEXT} printable characters, for whoever reads the ledger",
            Exit.USAGE,
        ) from None


def seconds_of(duration: str) -> int:
    """How long it is to be open."""
    return int(parse_duration(duration).total_seconds())


def refuse_unfit(lifts: "Lifts", match: "MatchDocument", configuration: "Configuration") -> None:
    """Raises `CommandFailed` with every name that is not there, or restricts nothing."""
    from gateway.assistant import ASSISTANTS
    from gateway.configuration.lift_checks import check_lifts

    problems = list(check_lifts(lifts, match, configuration, ASSISTANTS))
    if problems:
        raise CommandFailed("\n".join(problems), Exit.NOT_FOUND)


def _once(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _nano_usd(written: str) -> int:
    from pydantic import TypeAdapter, ValidationError

    from policy.document import Usd, nano_usd

    try:
        usd = TypeAdapter(Usd).validate_python(Decimal(written))
    except (InvalidOperation, ValidationError):
        usd = Decimal()
    if not usd:
        raise CommandFailed(
            f"--extra-usd {written!r} is no amount of US dollars; write 500 or 49.90", Exit.USAGE
        )
    return nano_usd(usd)
