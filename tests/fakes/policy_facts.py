"""Small builders of the values policy is asked about."""

from policy.document import LimitsDocument, TeamDocument
from policy.engine import Policy
from policy.question import Question, Team
from policy.types import (
    Circumstances,
    DataClass,
    Identity,
    Operation,
    RequestFacts,
    TargetFacts,
)

HOUSE = TargetFacts("house/qwen3-coder", True, DataClass.RESTRICTED, price_known=True)
DEEPSEEK = TargetFacts("deepseek/deepseek-chat", False, DataClass.INTERNAL, price_known=True)
NOON = Circumstances(1_780_315_200)  # 2026-06-01T12:00:00Z, a Monday


def an_identity(team: str = "web") -> Identity:
    return Identity("ada", team, frozenset({"developer"}), "key-1")


def some_facts(
    model: str = "coder",
    *,
    body_bytes: int = 1_000,
    input_tokens: int = 300,
    output_limit: int | None = None,
    answers: int = 1,
    operation: Operation = Operation.CHAT,
    tools: tuple[str, ...] = (),
) -> RequestFacts:
    return RequestFacts(
        model=model,
        streaming=True,
        operation=operation,
        body_bytes=body_bytes,
        input_tokens_estimate=input_tokens,
        output_tokens_limit=output_limit,
        answers=answers,
        tool_names=tools,
        read_segments=lambda: (),
    )


def a_team_document(
    models: tuple[str, ...] = ("coder",), data_class: str = "internal", **limits: object
) -> TeamDocument:
    return TeamDocument.model_validate(
        {"models": models, "data_class": data_class, "limits": LimitsDocument(**limits)}
    )


def a_team(name: str = "web", *targets: TargetFacts, **written: object) -> Team:
    return Team(name, a_team_document(**written), {"coder": targets or (HOUSE, DEEPSEEK)})


def a_question(
    *targets: TargetFacts,
    data_class: DataClass = DataClass.INTERNAL,
    circumstances: Circumstances = NOON,
    identity: Identity | None = None,
    **facts: object,
) -> Question:
    asked = targets or (HOUSE, DEEPSEEK)
    names = tuple(each.name for each in asked)
    asker = identity or an_identity()
    return Question(asker, some_facts(**facts), asked, names, data_class, circumstances)


def a_policy(**teams: TeamDocument) -> Policy:
    return Policy.compile(teams, {"coder": (HOUSE, DEEPSEEK), "cheap": (DEEPSEEK,)})
