"""Canaille, an OpenID Connect provider, as a process of its own on a port of this machine.

Its first line of standard input says what it begins with, each later one what becomes of it; it
answers every line. What stands there are Canaille's own models: nothing of OpenID Connect is ours.
"""

import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from socket import SO_REUSEADDR, SOL_SOCKET, socket
from typing import Any

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from flask import Flask
from werkzeug.serving import make_server

SCOPES = ["openid", "profile", "email", "groups"]
_real_time = time.time


def configuration(port: int, told: dict[str, Any]) -> dict[str, Any]:
    """As an administrator would write it, but that state is kept in memory and TLS is missing."""
    return {
        "ENV_FILE": None,
        "SECRET_KEY": "for-one-test-run",
        "WTF_CSRF_ENABLED": False,
        "PREFERRED_URL_SCHEME": "http",
        "SERVER_NAME": f"localhost:{port}",
        "CANAILLE": {
            "DATABASE": "memory",
            "JAVASCRIPT": False,
            "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}},
        },
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": told["keys"],
            "INACTIVE_JWKS": told["old_keys"],
            "REQUIRE_NONCE": False,
        },
    }


def begin(told: dict[str, Any]) -> None:
    """People, their groups, and the applications that they sign in to."""
    people = {}
    for name, person in told["people"].items():
        people[name] = models.User(
            user_name=name,
            family_name=person["family_name"],
            formatted_name=f"{name} {person['family_name']}",
            emails=[f"{name}@acme.example"],
            password=person["password"],
        )
        Backend.instance.save(people[name])
    for group in sorted({each for person in told["people"].values() for each in person["groups"]}):
        members = [people[name] for name, each in told["people"].items() if group in each["groups"]]
        Backend.instance.save(models.Group(display_name=group, members=members))
    clients = {name: an_application(name, told) for name in told["applications"]}
    for name, written in told["applications"].items():
        clients[name].audience = [clients[written["audience"]]]
        Backend.instance.save(clients[name])


def an_application(name: str, told: dict[str, Any]) -> models.Client:
    """One that keeps no secret, as a command line does not."""
    application = models.Client(
        client_id=name,
        client_name=name,
        redirect_uris=told["redirect_uris"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=SCOPES,
        token_endpoint_auth_method="none",
        id_token_signed_response_alg=told["applications"][name].get("algorithm"),
    )
    Backend.instance.save(application)
    return application


def turn(app: Flask, told: dict[str, Any]) -> None:
    """Do what a line says."""
    match told:
        case {"keys": keys, "old_keys": old_keys}:
            app.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = keys
            app.config["CANAILLE_OIDC"]["INACTIVE_JWKS"] = old_keys
        case {"ahead_seconds": seconds}:
            time.time = lambda: _real_time() + seconds
        case {"lock": name}:
            user = Backend.instance.get(models.User, user_name=name)
            user.lock_date = datetime.now(UTC)
            Backend.instance.save(user)
        case {"delete": name}:
            Backend.instance.delete(Backend.instance.get(models.User, user_name=name))


def answer(**said: object) -> None:
    print(json.dumps(said), flush=True)


def main() -> None:
    """Serve until standard input ends."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    told = json.loads(sys.stdin.readline())
    with socket() as listener:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", told["port"]))
        listener.listen(128)
        port = listener.getsockname()[1]
        app = create_app(config=configuration(port, told))
        with app.app_context():
            begin(told)
        server = make_server("127.0.0.1", port, app, threaded=True, fd=listener.fileno())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer(port=port)
        for line in sys.stdin:
            with app.app_context():
                turn(app, json.loads(line))
            answer()


if __name__ == "__main__":
    main()
