"""The phrase cache keeps the phrases used last, within its limit."""

from __future__ import annotations

import pytest

from lunavox_edge.engine.speech.phrases import Phrase, PhraseCache

pytestmark = pytest.mark.unit


def phrase(size_bytes: int) -> Phrase:
    return Phrase((bytes(size_bytes),), 22_050)


def test_the_least_recently_used_leaves() -> None:
    cache = PhraseCache(10_000)
    for name in ("first", "second", "third", "fourth"):
        cache.put(name, phrase(1_900))
    assert cache.get("first") is not None
    cache.put("fifth", phrase(1_900))

    assert cache.get("second") is None
    assert cache.get("first") is not None
    assert cache.size_bytes <= 10_000


def test_putting_again_replaces() -> None:
    cache = PhraseCache(10_000)
    cache.put("same", phrase(1_000))
    size = cache.size_bytes
    cache.put("same", phrase(1_000))

    assert cache.size_bytes == size


@pytest.mark.parametrize(("max_bytes", "size_bytes"), [(0, 0), (10_000, 5_000)])
def test_what_would_take_too_much_is_not_kept(max_bytes: int, size_bytes: int) -> None:
    cache = PhraseCache(max_bytes)
    cache.put("long", phrase(size_bytes))

    assert cache.get("long") is None
    assert cache.size_bytes == 0
