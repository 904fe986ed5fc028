# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The web server of the console: its pages, its images, and who may open them."""

from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
import socket

from fastapi import FastAPI, HTTPException, Response
from nicegui import ui
import uvicorn

from inril_ros.console.guard import Guard
from inril_ros.console.pages.demonstrations import DemonstrationsPage
from inril_ros.console.pages.episodes import episodes_page
from inril_ros.console.pages.run import run_page
from inril_ros.console.preview import preview
from inril_ros.console.robots import from_address, Robots

PAGES: dict[str, tuple[str, Callable[[Robots], object]]] = {
    '/': ('Run', run_page), '/episodes': ('Episodes', episodes_page),
    '/demonstrations': ('Demonstrations', DemonstrationsPage)}
_STYLE = Path(__file__).parent / 'pages' / 'console.css'
_GRACE = 1  # [s] for open connections at the end


def is_local(host: str) -> bool:
    """Return whether an address to listen on is reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ValueError: It can't; the message says why and what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen()
    except OSError as error:
        raise ValueError(f'the console cannot listen on {host}, port {port}: {error}. Take '
                         'another --port or --host') from error
    return made


def serve(robots: Robots, title: str, listening: socket.socket, token: str) -> None:
    """Serve the pages until SIGINT or SIGTERM.

    Args:
        robots: What is shown.
        title: Name of the run.
        listening: From ``listen``.
        token: See Guard.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route('/camera/{robot}/{camera}', lambda robot, camera: _image(
        robots, robot, camera), methods=['GET'])
    for address, (name, page) in PAGES.items():
        ui.page(address, title=f'{name}: {title}')(_page(robots, title, address, page))
    ui.run_with(app, title=title, show_welcome_message=False, tailwind=False,
                binding_refresh_interval=None)
    guard = Guard(app, {socket.gethostname(), socket.getfqdn()}, token)
    server = uvicorn.Server(uvicorn.Config(
        guard, log_level='warning', access_log=False, server_header=False,
        timeout_graceful_shutdown=_GRACE))
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def _page(robots: Robots, title: str, address: str, page: Callable[[Robots], object]
          ) -> Callable[[], None]:
    """Return what makes a page: the way to the others, and its own content."""
    def make() -> None:
        ui.add_css(_STYLE)
        with ui.element('nav'):
            for other, (name, _) in PAGES.items():
                ui.link(name, other).classes('here' if other == address else '')
            ui.label(title)
        with ui.element('div').classes('page'):
            page(robots)
    return make


def _image(robots: Robots, robot: str, camera: str) -> Response:
    try:
        image = robots.image(from_address(robot), camera)
    except KeyError as error:
        raise HTTPException(404, 'there is no such camera') from error
    small = preview(image)
    return Response(small, media_type='image/jpeg', headers={'cache-control': 'no-store'},
                    status_code=200 if small else 204)
