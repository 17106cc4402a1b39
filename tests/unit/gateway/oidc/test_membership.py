"""Verified claims make a person of teams with roles, a service of one team, or nobody."""

import pytest

from gateway.oidc.membership import claimed, has_groups, matches, member
from gateway.oidc.refused import Cause, TokenRefused
from tests.fakes.providers import a_provider


def who(provider=None, **claims):
    provider = provider or a_provider()
    return member(claimed({"sub": "ada", "groups": ["eng-web"], **claims}, provider), provider)


def cause_of(provider=None, **claims) -> Cause:
    with pytest.raises(TokenRefused) as refused:
        who(provider, **claims)
    return refused.value.cause


def test_a_group_gives_its_team_and_makes_a_developer():
    ada = who()
    assert (ada.subject, ada.teams, ada.roles) == ("ada", ("web",), {"developer"})
    assert not ada.is_service


def test_of_several_teams_the_configurations_order_counts():
    assert who(groups=["eng-pay", "x", "eng-web"]).teams == ("web", "payments")
    turned = a_provider(teams=(("eng-pay", "payments"), ("eng-web", "web"), ("all", "web")))
    assert who(turned, groups=["all", "eng-web", "eng-pay"]).teams == ("payments", "web")


def test_roles_come_from_groups_and_add_up():
    assert who(groups=["eng-web", "sec"]).roles == {"developer", "security"}


def test_who_is_in_no_team_is_no_developer_and_may_have_other_roles():
    nobody = who(groups=["eng"])
    assert (nobody.teams, nobody.roles) == ((), frozenset())
    watcher = who(groups=["sec", "eng"])
    assert (watcher.teams, watcher.roles) == ((), {"security"})


def test_a_default_team_takes_the_rest():
    assert who(a_provider(default_team="payments"), groups=[]).teams == ("payments",)
    assert who(a_provider(default_team="payments")).teams == ("web",)


def test_a_group_of_one_name_may_be_told_as_text():
    assert who(groups="eng-web").teams == ("web",)


@pytest.mark.parametrize(
    "wrong", [7, {"a": 1}, [1], ["eng-web", None], ["g" * 501], ["g"] * 2001, [["eng-web"]]]
)
def test_what_is_no_list_of_groups_is_refused(wrong):
    assert cause_of(groups=wrong) is Cause.WRONG_CLAIM


def test_a_list_that_the_provider_left_out_for_its_length_is_not_an_empty_one():
    assert cause_of(groups=None, _claim_names={"groups": "src1"}) is Cause.WRONG_CLAIM


def test_groups_may_stand_deeper_or_under_a_name_with_dots():
    deep = a_provider(groups_claim="realm_access.roles")
    assert who(deep, realm_access={"roles": ["eng-web"]}).teams == ("web",)
    assert who(deep, realm_access=["eng-web"]).teams == ()
    url = a_provider(groups_claim="https://acme.example/groups")
    assert who(url, **{"https://acme.example/groups": ["eng-web"]}).teams == ("web",)


def test_only_groups_that_mean_something_are_kept():
    kept = claimed({"sub": "ada", "groups": ["sec", "canteen", "eng-web"]}, a_provider())
    assert kept.groups == ("eng-web", "sec")


def test_whether_a_provider_speaks_of_groups_at_all():
    assert has_groups({"groups": []}, a_provider())
    assert not has_groups({"sub": "ada"}, a_provider())


@pytest.mark.parametrize(
    "wrong", [None, "", 7, ["ada"], "a" * 201, "ada\n", "ada\u202e", "e\u0301"]
)
def test_what_is_no_name_that_could_be_kept_is_refused(wrong):
    assert cause_of(sub=wrong) is Cause.NO_SUBJECT


def test_an_address_counts_only_when_the_provider_calls_it_verified():
    by_mail = a_provider(subject_claim="email")
    assert who(by_mail, email="Ada@Example.com", email_verified=True).subject == "ada@example.com"
    for unproven in (False, None, "true", 1):
        assert cause_of(by_mail, email="ada@example.com", email_verified=unproven) is (
            Cause.UNVERIFIED_EMAIL
        )
    kelvin = "ada@wor\N{KELVIN SIGN}s.example"  # a letter that is no k, but whose lower case is
    assert cause_of(by_mail, email=kelvin, email_verified=True) is Cause.NO_SUBJECT
    trusting = a_provider(subject_claim="email", require_verified_email=False)
    assert who(trusting, email="ada@example.com").subject == "ada@example.com"


def test_two_issuers_people_are_never_one():
    people = a_provider(foreign_prefixes=("ci:",))
    builds = a_provider("https://ci.example", subject_prefix="ci:")
    assert who(builds).subject == "ci:ada"
    assert cause_of(people, sub="ci:ada") is Cause.NO_SUBJECT


def test_a_subject_of_a_service_pattern_is_a_service_of_its_team():
    build = who(sub="repo:acme/web:ref:refs/heads/main", groups=["eng-pay", "sec"])
    assert (build.teams, build.roles, build.is_service) == (("web",), {"developer"}, True)


@pytest.mark.parametrize(
    ("pattern", "subject", "holds"),
    [
        ("repo:acme/web:*", "repo:acme/web:ref:main", True),
        ("repo:acme/web:*", "repo:acme/web:", True),
        ("repo:acme/web:*", "repo:acme/web", False),
        ("repo:acme/web:*", "Repo:acme/web:x", False),
        ("repo:acme/web:*", "xrepo:acme/web:x", False),
        ("repo:*:ref:*/main", "repo:a:ref:heads/main", True),
        ("repo:*:ref:*/main", "repo:a:ref:heads/main2", False),
        ("*", "anything", True),
        ("a*a", "a", False),
        ("a*b*c", "abc", True),
        ("a*b*c", "acb", False),
        ("a*bc*c", "abc", False),
        ("exact", "exact", True),
        ("exact", "exactly", False),
        ("a.b", "axb", False),
    ],
)
def test_a_star_stands_for_anything_and_nothing_else_is_special(pattern, subject, holds):
    assert matches(pattern, subject) is holds
