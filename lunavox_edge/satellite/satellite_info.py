"""The Wyoming `info` of the satellite device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wyoming.info import Attribution, Info, Satellite

from lunavox_edge._version import __version__
from lunavox_edge.errors import SettingsError
from lunavox_edge.wire.fields import MAX_NAME_CHARS
from lunavox_edge.wyoming_server.info import wake_programs

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_ATTRIBUTION = Attribution(name="LunaVox Edge", url="https://pypi.org/project/lunavox-edge/")


def satellite_info(
    name: str, area: str | None, *, engine: Engine | None = None, words: tuple[str, ...] = ()
) -> Info:
    """Return the info of a satellite; with an engine, `words` are its own wake words.

    Raises UnknownModel, and SettingsError for a name or area that hubs refuse.
    """
    for option, text in (("--name", name), ("--area", area or "")):
        if len(text) > MAX_NAME_CHARS or not text.isprintable():
            raise SettingsError(f"{option} must be printable and at most {MAX_NAME_CHARS} characters.")
    active = engine.wake_words(words) if engine is not None else ()
    return Info(
        satellite=Satellite(
            name=name,
            description="LunaVox Edge satellite",
            attribution=_ATTRIBUTION,
            installed=True,
            version=__version__,
            area=area,
            has_vad=False,
            active_wake_words=[entry.name for entry in active],
            max_active_wake_words=len(active),
            supports_trigger=True,
        ),
        # Home Assistant reads the phrases of the wake words from here.
        wake=wake_programs(engine) if engine is not None else [],
    )
