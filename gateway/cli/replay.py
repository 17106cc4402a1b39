"""`gatehouse policy replay`: what would a policy have done to recorded traffic?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.candidate import chosen, configured
from gateway.cli.options import AsJson, Config, Data, data_folder
from gateway.cli.output import print_json, print_line, print_table
from gateway.cli.times import format_unix_us, format_usd, parse_moment
from gateway.cli.traffic import Since, Span, Until, count_exchanges, span_of
from gateway.cli.version_folder import FolderVersions

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from gateway.replay.decided import Decided
    from gateway.replay.flips import Comparison, Dimension, Sum

_VERSION = "A gatehouse.yaml, a version's digest or its beginning, or `previous`."
_RECORDED = "what was decided then"

_COLUMNS = (
    "#WOULD BE DENIED", "#WOULD BE ALLOWED", "#FEWER TARGETS", "#MORE", "#NOT DECIDABLE",
    "#NEWLY WARNED", "#REFUSED", "#MOVED",
)  # fmt: skip


def replay(
    candidate: Annotated[
        str | None, typer.Argument(metavar="[CANDIDATE]", help=f"{_VERSION} Default: as --config.")
    ] = None,
    since: Since = "30d",
    until: Until = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Compare with this, not with what was decided then."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Decide by the rules as they are on that day."),
    ] = None,
    config: Config = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Decide recorded requests anew, and count what would have come of them otherwise."""
    from gateway.replay.flips import AsRecorded, Comparison

    folder, span = data_folder(data), span_of(since, until)
    kept = FolderVersions(folder)
    after = configured(config, folder) if candidate is None else chosen(candidate, kept)
    before = None if against is None else chosen(against, kept)
    moment = None if at is None else int(parse_moment(at, datetime.now(UTC)).timestamp())
    compared = Comparison(
        _decided(after, moment),
        AsRecorded() if before is None else _decided(before, moment),
    )
    count_exchanges(folder, span, compared.add)
    named = _RECORDED if before is None else f"version {before.digest[:12]}"
    if as_json:
        print_json(_objects(compared, span, after, before))
        return
    print_line(f"by version {after.digest[:12]}, beside {named}:")
    _tell(compared)


def _decided(configuration: "Configuration", moment: int | None) -> "Decided":
    from gateway.replay.decided import Decided

    policy = configuration.policy
    return Decided(policy if moment is None else policy.as_of(moment), configuration.canonical)


def _tell(compared: "Comparison") -> None:
    from gateway.replay.flips import Dimension, Flip

    total = compared.total
    for flip, words in (
        (Flip.SAME, "as before"),
        (Flip.DENIED, "allowed, would be denied"),
        (Flip.ALLOWED, "denied, would be allowed"),
        (Flip.FEWER, "allowed, to fewer targets"),
        (Flip.MORE, "allowed, to more targets"),
        (Flip.OTHER, "allowed, to other targets"),
        (Flip.OTHERWISE, "denied, by another rule"),
        (Flip.UNDECIDABLE, "not decidable"),
        (Flip.NOT_ASKED, "refused before any policy"),
    ):
        if total.flips[flip] or flip is Flip.SAME:
            print_line(f"{total.flips[flip]:>12,}  {words}{_beside(total, flip)}")
    for reason, count in compared.unknown.most_common():
        print_line(f"{count:>12,}    {reason}")
    if total.warned:
        print_line(f"{total.warned:>12,}  newly warned")
    if total.moved:
        print_line(f"{total.moved:>12,}  answered elsewhere ({format_usd(total.moved_nano_usd)})")
    for dimension in Dimension:
        if rows := [(name, *_cells(each)) for name, each in _sorted(compared, dimension)]:
            print_line("")
            print_table((dimension.value.upper(), *_COLUMNS), rows)


def _beside(total: "Sum", flip: object) -> str:
    from gateway.replay.flips import Flip

    if flip is not Flip.DENIED:
        return ""
    users = len(total.users)
    spend = format_usd(total.refused_nano_usd)
    return f": {users:,} user{'s' * (users != 1)}, {spend} of spend"


def _sorted(compared: "Comparison", dimension: "Dimension") -> "list[tuple[str, Sum]]":
    found = compared.by[dimension].items()
    return sorted(found, key=lambda each: (-sum(each[1].flips.values()), each[0]))


def _cells(each: "Sum") -> Iterator[str]:
    from gateway.replay.flips import Flip

    fewer = each.flips[Flip.FEWER] + each.flips[Flip.OTHER]
    counts = (
        each.flips[Flip.DENIED],
        each.flips[Flip.ALLOWED],
        fewer,
        each.flips[Flip.MORE],
        each.flips[Flip.UNDECIDABLE],
        each.warned,
    )
    yield from (f"{count:,}" for count in counts)
    yield format_usd(each.refused_nano_usd)
    yield format_usd(each.moved_nano_usd)


def _objects(
    compared: "Comparison", span: Span, after: "Configuration", before: "Configuration | None"
) -> Iterator[dict[str, object]]:
    from gateway.replay.flips import Dimension

    yield {
        "candidate": after.digest,
        "against": None if before is None else before.digest,
        "since": format_unix_us(span.since_unix_us),
        "until": format_unix_us(span.until_unix_us),
        "exchanges": compared.exchanges,
        "cost_nano_usd": compared.cost_nano_usd,
        **_object(compared.total),
        "not_decidable_because": dict(compared.unknown),
    }
    for dimension in Dimension:
        for name, each in _sorted(compared, dimension):
            yield {"by": dimension.value, "name": name, **_object(each)}


def _object(each: "Sum") -> dict[str, object]:
    from gateway.replay.flips import Flip

    return {
        **{flip.value: each.flips[flip] for flip in Flip},
        "users_denied": len(each.users),
        "newly_warned": each.warned,
        "refused_nano_usd": each.refused_nano_usd,
        "moved": each.moved,
        "moved_nano_usd": each.moved_nano_usd,
    }
