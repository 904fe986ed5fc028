# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Nobody gets in without the token, from another site, or under another name, by any way in."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
import pytest

from inril_ros.console.guard import Guard
from inril_ros.console.server import is_local, listen

HERE = '192.168.0.7:8090'
FOREIGN_HOSTS = ['evil.example', 'evil.example:8090', '', 'localhost.evil.example', '127.0.0.1/x',
                 'evil@127.0.0.1', '127.0.0.1#evil', '[::1', 'http://127.0.0.1']
FOREIGN_ORIGINS = ['http://evil.example', 'null', '', 'https://192.168.0.7:8090',
                   'http://192.168.0.7:8091', 'http://192.168.0.7', 'http://192.168.0.7:8090.evil',
                   'http://192.168.0.7:8090/']


class Visitor:
    """Asks a guarded page, and keeps the cookie that it gets."""

    def __init__(self, token=''):
        self.reached = []
        self.guard = Guard(self._page, {'robot'}, token)
        self.cookie, self.headers = '', []

    async def _page(self, scope, receive, send):
        self.reached.append(scope['path'])
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})

    def ask(self, path='/', kind='http', host=HERE, origin=None, cookie=None):
        """Return the status of an answer; 0: a websocket that was closed unopened."""
        path, _, query = path.partition('?')
        given = {'host': host, 'cookie': self.cookie if cookie is None else cookie,
                 **({} if origin is None else {'origin': origin})}
        scope = {'type': kind, 'path': path, 'query_string': query.encode(), 'method': 'GET',
                 'headers': [(name.encode(), value.encode()) for name, value in given.items()]}
        sent = []

        async def receive():
            return {'type': 'websocket.connect'}

        async def send(message):
            sent.append(message)

        asyncio.run(self.guard(scope, receive, send))
        if sent[0]['type'] == 'websocket.close':
            return 0
        self.headers = dict(sent[0]['headers'])
        if made := self.headers.get(b'set-cookie'):
            self.cookie = made.decode().partition(';')[0]
        return sent[0]['status']


@pytest.mark.parametrize('kind', ['http', 'websocket'])
@pytest.mark.parametrize('path', ['/', '/_nicegui_ws/socket.io/', '/camera/-/front',
                                  '/%2e%2e/run.json', '//', '/?token=', '/?token=wrong'])
def test_without_the_token_nothing_is_reached(kind, path):
    visitor = Visitor('right')
    for cookie in ('', 'inril_console=right', 'a', '=;=', f'{visitor.guard._cookie}=wrong',
                   f'{visitor.guard._cookie}=right'):
        assert visitor.ask(path, kind, cookie=cookie) in (0, 401)
    assert visitor.ask('/?token=right', 'websocket') == 0, 'a page must have got the cookie'
    assert visitor.reached == [] and visitor.cookie == ''


def test_the_token_gives_a_cookie_that_no_other_site_and_no_script_has_the_use_of():
    visitor = Visitor('right')
    assert visitor.ask('/?token=right') == 303
    cookie = visitor.headers[b'set-cookie'].decode()
    assert 'HttpOnly' in cookie and 'SameSite=Strict' in cookie and 'right' not in cookie
    assert visitor.headers[b'location'] == b'/', 'the address shows the token no longer'
    assert visitor.ask('/') == 200 and visitor.ask('/ws', 'websocket') == 200
    assert Visitor('right').ask('/', cookie=visitor.cookie) == 401, 'of a former console'


@pytest.mark.parametrize('kind', ['http', 'websocket'])
def test_another_name_or_another_site_is_refused_even_with_the_token(kind):
    for visitor in (Visitor(), Visitor('right')):
        visitor.ask('/?token=right')
        visitor.reached.clear()
        for host in FOREIGN_HOSTS:
            assert visitor.ask('/', kind, host=host) in (0, 403), host
        for origin in FOREIGN_ORIGINS:
            assert visitor.ask('/', kind, origin=origin) in (0, 403), origin
        assert visitor.reached == []
        for host in (HERE, 'localhost:8090', '[::1]:8090', 'robot:8090', 'ROBOT'):
            assert visitor.ask('/', kind, host=host, origin=f'http://{host}') == 200


@given(st.text(max_size=30).filter(lambda text: text.isascii()))
def test_any_host_is_answered_and_only_addresses_and_our_names_get_in(host):
    visitor = Visitor()
    if visitor.ask('/', host=host) == 200:
        assert any(letter in host for letter in '.:') or host.lower() in ('robot', 'localhost')


def test_no_other_page_may_show_it_in_a_frame():
    visitor = Visitor()
    visitor.ask('/')
    assert visitor.headers[b'x-frame-options'] == b'DENY'
    assert b"frame-ancestors 'none'" in visitor.headers[b'content-security-policy']


def test_only_this_machine_s_own_addresses_need_no_token():
    assert all(map(is_local, ('127.0.0.1', '127.1.2.3', '::1', 'localhost')))
    assert not any(map(is_local, ('0.0.0.0', '::', '192.168.0.7', 'robot', '')))


def test_a_port_that_is_taken_is_told_with_what_to_do():
    with listen('127.0.0.1', 0) as first, pytest.raises(ValueError, match='another --port'):
        listen('127.0.0.1', first.getsockname()[1])
