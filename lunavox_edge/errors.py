"""Every error this package raises on purpose.

    LunavoxError
    ├── LunavoxLibraryError        the engine itself cannot work
    │   ├── SettingsError          bad_settings
    │   ├── NameTaken              name_taken
    │   ├── BackendUnavailable     backend_unavailable
    │   └── EngineClosed           engine_closed
    ├── CatalogError               a name, a file or a download is wrong
    │   ├── UnknownModel           unknown_model
    │   ├── UnknownVoice           unknown_voice
    │   ├── UnknownSpeaker         unknown_speaker
    │   ├── UnsupportedLanguage    unsupported_language
    │   ├── BrokenModel            broken_model
    │   └── DownloadFailed         download_failed (retryable)
    │       └── HubUnreachable     hub_unreachable (retryable)
    ├── LunavoxSynthesisError      text cannot become speech
    │   ├── UnsupportedVoice       unsupported_voice
    │   ├── EmptyText              empty_text
    │   ├── TextTooLong            text_too_long
    │   └── BadMarkup              bad_markup
    ├── TranscriptionError         audio cannot become text
    │   ├── BadAudio               bad_audio
    │   └── AudioTooLong           audio_too_long
    ├── LoudspeakerError           speech cannot be heard
    │   ├── NoLoudspeaker          no_loudspeaker
    │   ├── UnknownSatellite       unknown_satellite
    │   └── PlaybackFailed         playback_failed (retryable)
    ├── ProtocolError              bad_message
    ├── Busy                       busy (retryable, carries retry_after_s)
    ├── TimedOut                   timeout (retryable)
    ├── Unreachable                unreachable (retryable)
    │   ├── NotAllowed             not_allowed
    │   └── InsecurePeer           insecure_peer
    ├── OutOfMemory                out_of_memory (retryable)
    ├── Cancelled                  cancelled
    └── InternalError              internal (retryable)

Messages are written for the person who caused them: what was wrong and what to do. They are
sent to clients, so they never hold a file path or a traceback; those go to the log.
"""

from __future__ import annotations

from typing import ClassVar


class LunavoxError(Exception):
    """Root of the tree. `code` is stable; `retryable` says if the same call may work later."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False


class LunavoxLibraryError(LunavoxError):
    """The engine cannot work as configured or installed."""

    code = "library_error"


class SettingsError(LunavoxLibraryError):
    """The settings are wrong; the message lists every problem with file, line and key."""

    code = "bad_settings"


class NameTaken(LunavoxLibraryError):
    """Another appliance has the same name and obeys the same commands."""

    code = "name_taken"


class BackendUnavailable(LunavoxLibraryError):
    """The library that runs this kind of model is missing or does not work here."""

    code = "backend_unavailable"


class EngineClosed(LunavoxLibraryError):
    """The engine was closed."""

    code = "engine_closed"


class CatalogError(LunavoxError):
    """A model or voice cannot be found, read or fetched."""

    code = "catalog_error"


class UnknownModel(CatalogError):
    """No installed model has this name."""

    code = "unknown_model"


class UnknownVoice(CatalogError):
    """No installed voice has this name."""

    code = "unknown_voice"


class UnknownSpeaker(CatalogError):
    """The voice has no speaker of this name."""

    code = "unknown_speaker"


class UnsupportedLanguage(CatalogError):
    """No installed model or voice covers this language."""

    code = "unsupported_language"


class BrokenModel(CatalogError):
    """The model's files are damaged or incomplete."""

    code = "broken_model"


class DownloadFailed(CatalogError):
    """The hub cannot be reached, or what it sent is not what was promised."""

    code = "download_failed"
    retryable = True


class HubUnreachable(DownloadFailed):
    """There is no way to the hub just now; what is installed keeps working."""

    code = "hub_unreachable"


class LunavoxSynthesisError(LunavoxError):
    """The text cannot be spoken as asked."""

    code = "synthesis_error"


class UnsupportedVoice(LunavoxSynthesisError):
    """The voice asks for an ability that its backend does not declare."""

    code = "unsupported_voice"


class EmptyText(LunavoxSynthesisError):
    """Nothing in the text can be spoken."""

    code = "empty_text"


class TextTooLong(LunavoxSynthesisError):
    """The text is over `limits.max_text_chars`."""

    code = "text_too_long"


class BadMarkup(LunavoxSynthesisError):
    """The SSML is not well-formed."""

    code = "bad_markup"


class TranscriptionError(LunavoxError):
    """The audio cannot be transcribed."""

    code = "transcription_error"


class BadAudio(TranscriptionError):
    """The audio's format is not usable."""

    code = "bad_audio"


class AudioTooLong(TranscriptionError):
    """The utterance is over `limits.max_utterance_s`."""

    code = "audio_too_long"


class LoudspeakerError(LunavoxError):
    """Speech has no way to anybody's ears."""

    code = "loudspeaker_error"


class NoLoudspeaker(LoudspeakerError):
    """Neither a sound card nor a satellite is set up."""

    code = "no_loudspeaker"


class UnknownSatellite(LoudspeakerError):
    """No satellite or area has this name."""

    code = "unknown_satellite"


class PlaybackFailed(LoudspeakerError):
    """The loudspeaker does not play."""

    code = "playback_failed"
    retryable = True


class ProtocolError(LunavoxError):
    """A peer sent a message that breaks the protocol."""

    code = "bad_message"


class Busy(LunavoxError):
    """The queue is full; `retry_after_s` is when to try again."""

    code = "busy"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        """Keep the message and the seconds after which a retry is likely to succeed."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TimedOut(LunavoxError):
    """The work or the peer took longer than its bound."""

    code = "timeout"
    retryable = True


class Unreachable(LunavoxError):
    """No service answers at the address."""

    code = "unreachable"
    retryable = True


class NotAllowed(Unreachable):
    """The service does not let us in: a wrong user, password or right."""

    code = "not_allowed"
    retryable = False


class InsecurePeer(Unreachable):
    """The service does not prove who it is, or does not accept our proof."""

    code = "insecure_peer"
    retryable = False


class OutOfMemory(LunavoxError):
    """The model does not fit into the memory budget, even with every idle model unloaded."""

    code = "out_of_memory"
    retryable = True


class Cancelled(LunavoxError):
    """The session was cancelled by its owner."""

    code = "cancelled"


class InternalError(LunavoxError):
    """Something failed that should not; details are in the log."""

    code = "internal"
    retryable = True


def printable(text: str) -> str:
    """Return text that may be anybody's as a message shows it: without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
