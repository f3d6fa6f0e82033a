"""Whether a partial transcript sounds unfinished."""

from __future__ import annotations

import pytest

from lunavox_edge.text.unfinished import sounds_unfinished

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "unfinished"),
    [
        ("Turn on the light.", False),
        ("Can I have a double-shot cappuccino?", False),
        ("Stop that!", False),
        ("Turn it on.", False),
        ("“Good night.”", False),
        ("明かりをつけて。", False),
        ("", False),
        ("A dark roast mocha with.", True),
        ("Turn on the...", True),
        ("And so, my fellow Americans", True),
        ("Turn on the light, and", True),
        ("Turn on the light,", True),
        ("Unless…", True),
        (".", False),
    ],
)
def test_what_lacks_an_end_sounds_unfinished(text: str, unfinished: bool) -> None:  # noqa: FBT001
    assert sounds_unfinished(text) is unfinished
