"""Which answerer belongs to which settings."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from lunavox_edge.satellites.answers.base import Answerer, Question
from lunavox_edge.satellites.answers.wyoming import WyomingAnswerer
from lunavox_edge.settings_model import LimitSettings
from lunavox_edge.settings_satellites import Answer


class EchoAnswerer:
    """Repeats what was said, to try satellites out."""

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the question."""
        yield question.text


def answerer_for(settings: Answer, limits: LimitSettings) -> Answerer | None:
    """Return who answers; None where the answer comes as an announcement, over MQTT."""
    if settings.kind == "mqtt":
        return None
    if settings.kind == "wyoming":
        return WyomingAnswerer(settings, limits)
    if settings.kind == "echo":
        return EchoAnswerer()
    from lunavox_edge.satellites.answers import http  # noqa: PLC0415  # its library is loaded on use

    return (
        http.HomeAssistantAnswerer(settings)
        if settings.kind == "home-assistant"
        else http.ChatAnswerer(settings)
    )
