"""What is right and still worth saying is said, and holds no secret."""

import pytest

from gateway.configuration.notices import DEFAULT_TEAM
from tests.fakes.configurations import GOOD, configured


def test_a_key_in_the_file_itself_is_taken_with_a_notice_that_does_not_show_it(tmp_path):
    built = configured(tmp_path, GOOD.replace("${DEEPSEEK_API_KEY}", "sk-canary-plain"))
    assert any("vendors.deepseek.api_key" in each for each in built.notices)
    assert "canary" not in " ".join(built.notices)


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_to_trust_everybody_is_told(tmp_path, network):
    built = configured(tmp_path, f'{GOOD}server: {{ trusted_proxies: ["{network}"] }}\n')
    told = f"server.trusted_proxies holds {network}: whoever connects can say it is elsewhere"
    assert any(each.startswith(told) for each in built.notices)


def test_it_is_told_whose_the_developer_key_is_where_no_team_has_its_name(tmp_path):
    told = f"no team is named {DEFAULT_TEAM}: the developer key belongs to team payments"
    assert told in configured(tmp_path).notices


def test_a_password_of_a_database_in_the_file_itself_is_told_without_it(tmp_path):
    url = "postgresql://gatehouse:sk-canary-plain@127.0.0.1/gatehouse"
    notices = configured(tmp_path, f"{GOOD}storage: {{ url: {url} }}\n").notices
    assert any(each.startswith("storage.url stands in the file itself") for each in notices)
    assert "canary" not in " ".join(notices)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/"])
def test_an_engines_address_that_ends_like_a_clients_is_told(tmp_path, address):
    notices = configured(tmp_path, GOOD.replace("http://127.0.0.1:8000", address, 1)).notices
    assert (
        "vendors.house.base_url ends with /v1: it is asked at /v1/v1/chat/completions; "
        "leave /v1 out, unless that is where the engine answers" in notices
    )


def test_an_engines_root_is_nothing_to_tell(tmp_path):
    assert not any("base_url" in each for each in configured(tmp_path).notices)
