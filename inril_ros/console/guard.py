# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who may speak with the console: an ASGI application around the page, for HTTP and websockets.

A page of another site that a browser on this machine shows can send requests to 127.0.0.1 as well.
So it is not enough to listen there:

* The header Host must name this machine by an address or by its own name. A name of somebody else
  that was made to lead here (DNS rebinding) is refused.
* A request with the header Origin, which a browser adds to each websocket and to whatever a script
  of another site sends, must come from a page of this console.
* With a token, each request needs the cookie that the token was exchanged for. Browsers don't send
  it along with what another site begins (SameSite=Strict), and scripts can't read it.
* No other page may show this one in a frame, where its buttons could be pressed unseen.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
import hmac
from html import escape
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Headers = list[tuple[bytes, bytes]]

_HEADERS: _Headers = [
    (b'x-frame-options', b'DENY'), (b'referrer-policy', b'no-referrer'),
    (b'content-security-policy', b"frame-ancestors 'none'; form-action 'self'; base-uri 'self'"),
    (b'x-content-type-options', b'nosniff'), (b'cross-origin-resource-policy', b'same-origin')]
_LOGIN = """<!doctype html><meta name=viewport content="width=device-width"><title>Console</title>
<body style="font: 16px sans-serif; max-width: 30em; margin: 3em auto; padding: 0 1em">
<p>{}</p><form><input name=token type=password autocomplete=off autofocus aria-label=Token
 style="font: inherit; width: 100%; box-sizing: border-box; padding: .5em">
<p><button style="font: inherit; padding: .5em 1em">Enter</button></form>"""


class Guard:
    """Lets through what is allowed.

    Args:
        app: The page.
        names: Names of this machine under which the page may be opened, besides its addresses.
        token: What gives access; empty: everybody who reaches the page has it.

    Attributes:
        app: See above.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], names: Iterable[str], token: str
                 ) -> None:
        self.app = app
        self._names = frozenset({'localhost', *(name.lower() for name in names)})
        self._token = token
        # Not the token itself: a cookie ends with this process.
        self._pass = secrets.token_urlsafe()
        # Browsers keep one jar for all ports of a host.
        self._cookie = f'inril_console_{secrets.token_hex(4)}'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode('latin-1') for name, value in scope['headers']}
        refusal = self._foreign(headers)
        if refusal:
            await _refuse(scope, receive, send, 403, refusal)
        elif self._token and not self._has_cookie(headers):
            await self._log_in(scope, receive, send)
        else:
            await self.app(scope, receive, _protected(send))

    def _foreign(self, headers: dict[bytes, str]) -> str:
        """Return why a request doesn't come from a page of this console; empty if it does."""
        host = headers.get(b'host', '')
        if not self._is_ours(host):
            return (f'This console does not answer to the name {host[:100]!r}. Open it by the '
                    "machine's address or by its own name.")
        origin = headers.get(b'origin')
        if origin is not None and origin.lower() != f'http://{host}'.lower():
            return f'This request comes from another page: {origin[:100]!r}.'
        return ''

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f'//{host}')
            name = parts.hostname or ''
            if parts.netloc != host or '@' in host:
                return False
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _has_cookie(self, headers: dict[bytes, str]) -> bool:
        try:
            cookie = SimpleCookie(headers.get(b'cookie', '')).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and _same(cookie.value, self._pass)

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Exchange a token in the address for the cookie, or ask for it."""
        given = parse_qs(scope['query_string'].decode('latin-1')).get('token', [''])[0]
        if scope['type'] != 'http' or not _same(given, self._token):
            why = 'That is not the token of this console.' if given else (
                'This console needs a token. It was printed where the console was started.')
            await _refuse(scope, receive, send, 401, why, form=True)
            return
        cookie = f'{self._cookie}={self._pass}; HttpOnly; SameSite=Strict; Path=/'
        await _respond(send, 303, b'', [
            (b'location', b'/'), (b'set-cookie', cookie.encode())])


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _protected(send: Send) -> Send:
    """Return what sends a response with the headers that protect the page."""
    async def with_headers(message: MutableMapping[str, Any]) -> None:
        if message['type'] == 'http.response.start':
            message['headers'] = [*message.get('headers', ()), *_HEADERS]
        await send(message)
    return with_headers


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, why: str,
                  form: bool = False) -> None:
    if scope['type'] == 'websocket':
        await receive()  # the connection; to close it before it is accepted is an answer 403
        await send({'type': 'websocket.close', 'code': 1008})
        return
    if form:
        await _respond(send, status, _LOGIN.format(escape(why)).encode(),
                       [(b'content-type', b'text/html; charset=utf-8')])
    else:
        await _respond(send, status, why.encode(),
                       [(b'content-type', b'text/plain; charset=utf-8')])


async def _respond(send: Send, status: int, body: bytes, headers: _Headers) -> None:
    await send({'type': 'http.response.start', 'status': status, 'headers': [
        *headers, *_HEADERS, (b'cache-control', b'no-store')]})
    await send({'type': 'http.response.body', 'body': body})
