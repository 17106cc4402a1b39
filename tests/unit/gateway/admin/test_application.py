"""Every path is strict in what it takes, and none is there that the document does not tell of."""

from fastapi.routing import APIRoute

from gateway.admin.application import create_admin_app, parameters_of
from gateway.admin.guard import OPEN_PATHS
from tests.fakes.admin import AdminApi, problem_of


async def test_every_path_refuses_a_parameter_it_does_not_know(api: AdminApi) -> None:
    paths = (await api.get("/openapi.json", None)).json()["paths"]
    assert len(paths) > 5
    for path in paths:
        below = path.removeprefix("/admin/v1").replace("{key_id}", "key_aaaaaaaaaaaa")
        answer = await api.ask(next(iter(paths[path])).upper(), f"{below}?wibble=1", json={})
        assert "query.wibble: is no parameter here" in problem_of(answer, 422)["detail"]


async def test_a_parameter_is_known_where_it_is_declared(api: AdminApi) -> None:
    app = create_admin_app(api.desk)
    paths = (await api.get("/openapi.json", None)).json()["paths"]
    routes = [each for each in app.routes if isinstance(each, APIRoute) and each.include_in_schema]
    for route in routes:
        (method,) = route.methods
        declared = paths[route.path][method.lower()].get("parameters", ())
        named = {each["name"] for each in declared if each["in"] == "query"}
        assert parameters_of(route.endpoint) == named


async def test_only_what_says_how_to_ask_is_open_to_strangers(api: AdminApi) -> None:
    assert {"/admin/v1/openapi.json", "/admin/v1/docs"} == OPEN_PATHS
    for path in (await api.get("/openapi.json", None)).json()["paths"]:
        problem_of(await api.get(path.removeprefix("/admin/v1"), None), 401)


async def test_the_manual_lists_every_path(api: AdminApi) -> None:
    page = (await api.get("/docs", None)).text
    for path in (await api.get("/openapi.json", None)).json()["paths"]:
        assert path in page
