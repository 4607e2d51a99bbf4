"""Freed memory goes back, where the C library has to be told."""

import ctypes

import pytest

from spir import runtime as memory


@pytest.fixture
def anew():
    memory.glibc.cache_clear()
    yield
    memory.glibc.cache_clear()


@pytest.mark.parametrize("library", [OSError("not here"), None])
def test_without_that_library_nothing_is_done(monkeypatch, anew, library):
    def load(name):
        if library:
            raise library
        return object()

    monkeypatch.setattr(ctypes, "CDLL", load)
    memory.share_heaps()
    memory.release_memory()
    assert memory.glibc() is None


def test_with_it_both_are_asked_for(monkeypatch):
    asked = []

    class Library:
        def mallopt(self, setting, value):
            asked.append((setting, value))

        def malloc_trim(self, pad):
            asked.append(pad)

    monkeypatch.setattr(memory, "glibc", Library)
    memory.share_heaps()
    memory.release_memory()
    assert asked == [(memory.ARENA_MAX, memory.HEAPS), 0]


def test_here_it_does_no_harm():
    memory.release_memory()
