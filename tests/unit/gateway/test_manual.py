"""The page of endpoints: plain, whole, and nobody's script."""

from gateway.manual import manual_page


def page(path: str = "/v1/x", version: str = "1.0", **operation: str) -> str:
    info = {"title": "Gatehouse", "version": version}
    return manual_page({"info": info, "paths": {path: {"post": operation}}})


def test_an_endpoint_stands_with_its_method_and_what_it_does():
    assert "<td><code>POST /v1/x</code><td>Counts.</tr>" in page(description="Counts.")


def test_a_summary_stands_in_where_there_is_no_description():
    assert "<td>Chat</tr>" in page(summary="Chat")


def test_an_endpoint_without_words_is_listed_all_the_same():
    assert "<td><code>POST /v1/x</code><td></tr>" in page()


def test_no_text_becomes_markup():
    hostile = '<script>alert(1)</script>&"'
    shown = page(path=f"/{hostile}", version=hostile, description=hostile)
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;") == 3


def test_braces_in_a_path_are_shown_as_they_are():
    assert "POST /v1/models/{name}" in page(path="/v1/models/{name}")


def test_the_page_fetches_nothing_from_elsewhere():
    shown = page()
    assert "//" not in shown.replace("<!doctype", "")
    assert "src=" not in shown


def test_it_leads_to_the_document_it_was_made_of():
    info = {"title": "Gatehouse admin API", "version": "1"}
    shown = manual_page({"info": info, "paths": {}}, "/admin/v1/openapi.json")
    assert '<a href="/admin/v1/openapi.json">' in shown
    assert "<h1>Gatehouse admin API 1</h1>" in shown
