"""The paths of the sign-in, and what answers each."""

import time

from fastapi import FastAPI, Response

from gateway.oauth.browser import Browsers
from gateway.oauth.limits import Limits
from gateway.oauth.machine import MachineDesk
from gateway.oauth.person import PersonDesk
from gateway.oauth.visitors import Visitors
from gateway.pipeline import Pipeline
from gateway.sessions.opened import SessionSide


def declare_sign_in(app: FastAPI, side: SessionSide, pipeline: Pipeline) -> None:
    """Declare them. Where nobody signs in, each says so."""
    visitors = Visitors(pipeline.in_force, Limits(time.monotonic))
    machine = MachineDesk(visitors, side, pipeline)
    person = PersonDesk(visitors, Browsers(side.sealer), side.signing_in, side.unix_us)
    for method, path, answer in (
        ("POST", "/oauth/device_authorization", machine.begin),
        ("POST", "/oauth/token", machine.token),
        ("POST", "/oauth/revoke", machine.revoke),
        ("POST", "/oauth/backchannel_logout", machine.sign_out),
        ("GET", "/oauth/userinfo", machine.who),
        ("GET", "/device", person.ask_code),
        ("POST", "/device", person.take_code),
        ("POST", "/device/answer", person.take_answer),
        ("GET", "/oauth/callback", person.come_back),
    ):
        app.add_api_route(
            path, answer, methods=[method], include_in_schema=False, response_class=Response
        )
