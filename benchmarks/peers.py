"""The systems beside the gateway: pinned versions, how each is installed and started."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LITELLM_VERSION = "1.106.2"
PORTKEY_VERSION = "1.15.2"
NGINX_PACKAGE = "nginx-light"
KEY = "sk-bench"

NGINX_CONF = """\
# One proxying process near the physical limit: keep-alive to the upstream, no buffering.
worker_processes 1;
daemon off;
pid @FOLDER@/nginx.pid;
error_log @FOLDER@/error.log crit;
worker_rlimit_nofile 20000;
events { worker_connections 8192; use epoll; }
http {
  access_log off;
  client_body_temp_path @FOLDER@/body; proxy_temp_path @FOLDER@/proxy;
  fastcgi_temp_path @FOLDER@/fastcgi; uwsgi_temp_path @FOLDER@/uwsgi; scgi_temp_path @FOLDER@/scgi;
  client_max_body_size 32m; client_body_buffer_size 2m;
  keepalive_requests 10000000; keepalive_timeout 300s; tcp_nodelay on;
  upstream model { server @UPSTREAM@; keepalive 2048; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:@PORT@ backlog=4096;
    location / {
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_read_timeout 600s;
    }
  }
}
"""

LITELLM_CONFIG = """\
model_list:
  - model_name: mock-model
    litellm_params:
      model: openai/mock-model
      api_base: http://@UPSTREAM@/v1
      api_key: sk-upstream
general_settings:
  master_key: @KEY@
litellm_settings:
  telemetry: false
  num_retries: 0
  request_timeout: 600
"""

# Portkey 1.15.2 appends to the reply headers of fetch(), which Node 20 made immutable: every
# stream would answer 500. It is handed a mutable copy; nothing else is changed.
PORTKEY_FAULT = "new Response(p,e)}const Ad"
PORTKEY_MENDED = (
    "new Response(p,{status:e.status,statusText:e.statusText,"
    "headers:new Headers(e.headers)})}const Ad"
)


class CannotInstall(Exception):
    """A peer is missing here and could not be fetched; the run goes on without it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one system of one run lives."""

    work: Path
    folder: Path
    port: int
    upstream: str  # host:port of the stand-in

    def fill(self, template: str) -> str:
        """A configuration with this place's values."""
        values = {"FOLDER": self.folder, "PORT": self.port, "UPSTREAM": self.upstream, "KEY": KEY}
        return re.sub(r"@(\w+)@", lambda match: str(values[match[1]]), template)


@dataclass(frozen=True, slots=True)
class Launch:
    """A command in the foreground, one worker, and what its callers must send."""

    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    ready_file: Path | None = None


@dataclass(frozen=True, slots=True)
class System:
    """Something to measure: how it comes here and how it starts."""

    name: str
    install: Callable[[Path], None]
    launch: Callable[[Place], Launch]


def run(*command: str, folder: Path | None = None) -> None:
    """Run an installer's command. Raises `CannotInstall` with the end of what it said."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotInstall(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise CannotInstall(f"{' '.join(command[:4])}: {(done.stdout + done.stderr)[-300:]}")


def nginx_program() -> str | None:
    """Where nginx is; Debian puts it outside an ordinary user's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def install_nginx(work: Path) -> None:
    """From the distribution, when it is missing and we may."""
    if nginx_program() is None:
        run("apt-get", "install", "-y", "-qq", NGINX_PACKAGE)


def launch_nginx(place: Place) -> Launch:
    """One worker that forwards everything."""
    configuration = place.folder / "nginx.conf"
    configuration.write_text(place.fill(NGINX_CONF))
    command = (nginx_program() or "nginx", "-p", str(place.folder))
    errors = str(place.folder / "error.log")
    return Launch((*command, "-e", errors, "-c", str(configuration)), place.folder)


def install_litellm(work: Path) -> None:
    """Into an environment of its own: the proxy is never installed beside the gateway."""
    home = work / "v-litellm"
    if (home / "bin" / "litellm").exists():
        return
    run(sys.executable, "-m", "venv", str(home))
    run(str(home / "bin" / "pip"), "install", "-q", f"litellm[proxy]=={LITELLM_VERSION}")


def launch_litellm(place: Place) -> Launch:
    """One worker, no database, production mode, prices from its own file."""
    configuration = place.folder / "config.yaml"
    configuration.write_text(place.fill(LITELLM_CONFIG))
    program = str(place.work / "v-litellm" / "bin" / "litellm")
    where = ("--host", "127.0.0.1", "--port", str(place.port))
    settings = ("--config", str(configuration), "--num_workers", "1", "--telemetry", "False")
    environment = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
    }
    return Launch((program, *where, *settings), place.folder, environment)


def portkey_server(work: Path) -> Path:
    """The program that the package brings."""
    package = work / "peers" / "portkey" / "node_modules" / "@portkey-ai" / "gateway"
    return package / "build" / "start-server.js"


def install_portkey(work: Path) -> None:
    """From npm, with the one mend that Node 20 needs."""
    home, server = work / "peers" / "portkey", portkey_server(work)
    if not server.exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}')
        package = f"@portkey-ai/gateway@{PORTKEY_VERSION}"
        run("npm", "install", "--no-audit", "--no-fund", package, folder=home)
    program = server.read_text()
    if PORTKEY_MENDED not in program:
        if PORTKEY_FAULT not in program:
            raise CannotInstall(f"Portkey {PORTKEY_VERSION} is not the program that was mended")
        server.write_text(program.replace(PORTKEY_FAULT, PORTKEY_MENDED))


def launch_portkey(place: Place) -> Launch:
    """One process, told by a header where its model is."""
    command = ("node", str(portkey_server(place.work)), f"--port={place.port}", "--headless")
    headers = ("x-portkey-provider: openai", f"x-portkey-custom-host: http://{place.upstream}/v1")
    environment = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    return Launch(command, place.work / "peers" / "portkey", environment, headers)


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """What every system starts with: nothing of ours but the path and a home."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, **extra}


PEERS = (
    System("nginx", install_nginx, launch_nginx),
    System("portkey", install_portkey, launch_portkey),
    System("litellm-proxy", install_litellm, launch_litellm),
)
