"""Gradio forgets the sessions that are over, and no other."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from spir.app.server.blocked_routes import BLOCKED, BlockedRoutes
from spir.app.server.cleanup import RECENT, SessionCleanup


@pytest.fixture
def app():
    """What a Gradio app remembers of three sessions."""
    names = ("anna", "bert", "0" * 32)
    holder = SimpleNamespace(
        lock=threading.Lock(), session_data=dict.fromkeys(names), time_last_used=dict.fromkeys(names)
    )
    queue = SimpleNamespace(
        pending_event_ids_session={"anna": set(), "bert": {"under way"}, "0" * 32: set()},
        pending_messages_per_session=dict.fromkeys(names),
    )
    return SimpleNamespace(state_holder=holder, get_blocks=lambda: SimpleNamespace(_queue=queue))


def asked(app, path, method="GET", cleanup=None, inner=None):
    """Sends a request through; `inner` is what the app does with it."""

    async def nothing(scope, receive, send):
        pass

    cleanup = cleanup or SessionCleanup(inner or nothing)
    scope = {"type": "http", "method": method, "path": path, "app": app}
    asyncio.run(cleanup(scope, None, None))
    return set(app.state_holder.session_data)


@pytest.mark.parametrize(
    ("path", "session"),
    [
        ("heartbeat/anna", "anna"),
        (f"call/v2/export/{'0' * 32}", "0" * 32),
        (f"call/export/{'0' * 32}", "0" * 32),
    ],
)
def test_what_is_over_is_forgotten(app, path, session):
    before = set(app.state_holder.session_data)
    assert asked(app, f"/gradio_api/{path}") == before - {session}
    queue = app.get_blocks()._queue
    assert (
        session not in queue.pending_messages_per_session and session not in app.state_holder.time_last_used
    )
    assert session not in queue.pending_event_ids_session


@pytest.mark.parametrize(
    "path", ["/", "/gradio_api/queue/data", "/gradio_api/call/v2/export", "/heartbeat/anna"]
)
def test_anything_else_takes_nothing(app, path):
    assert len(asked(app, path)) == 3 and len(asked(app, "/gradio_api/heartbeat/anna", "HEAD")) == 3


def test_messages_that_are_under_way_stay(app):
    asked(app, "/gradio_api/heartbeat/bert")
    queue = app.get_blocks()._queue
    assert "bert" in queue.pending_messages_per_session and "bert" not in app.state_holder.session_data


def test_it_is_forgotten_when_the_stream_breaks_and_again_where_it_came_back(app):
    async def broken(scope, receive, send):
        raise OSError

    cleanup = SessionCleanup(broken)
    with pytest.raises(OSError):
        asked(app, "/gradio_api/heartbeat/anna", cleanup=cleanup)
    app.state_holder.session_data["anna"] = "what was still at work"
    with pytest.raises(OSError):
        asked(app, "/gradio_api/heartbeat/bert", cleanup=cleanup)
    assert set(app.state_holder.session_data) == {"0" * 32} and cleanup.lately.maxlen == RECENT


def test_only_what_is_named_is_blocked():
    for path in ("/gradio_api/file=/tmp/spir-1/car.glb", "/gradio_api/upload", "/", "/gradio_api/queue/data"):
        assert not BLOCKED.search(path)
    passed, said = [], []

    async def inner(scope, receive, send):
        passed.append(scope["path"])

    async def send(message):
        said.append(message)

    for path in ("/gradio_api/file=http://a.b/c", "/gradio_api/upload"):
        asyncio.run(BlockedRoutes(inner)({"type": "http", "path": path}, None, send))
    assert passed == ["/gradio_api/upload"] and said[0]["status"] == 403
