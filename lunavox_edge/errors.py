"""All errors that this package raises deliberately, as one tree.

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
    ├── LoudspeakerError           speech cannot be played
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

Messages are for the user: they say what is wrong and what to do. They are sent to clients, so they never
contain a file path or a traceback; those go to the log.
"""

from __future__ import annotations

from typing import ClassVar


class LunavoxError(Exception):
    """Root of the tree. `code` is stable; `retryable` says whether the same call may succeed later."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False


class LunavoxLibraryError(LunavoxError):
    """The engine cannot work as configured or installed."""

    code = "library_error"


class SettingsError(LunavoxLibraryError):
    """The settings are wrong; the message lists every problem with file, line and key."""

    code = "bad_settings"


class NameTaken(LunavoxLibraryError):
    """Another appliance uses the same node name, so it would react to the same MQTT commands."""

    code = "name_taken"


class BackendUnavailable(LunavoxLibraryError):
    """The library for this kind of model is missing or does not work on this machine."""

    code = "backend_unavailable"


class EngineClosed(LunavoxLibraryError):
    """The engine was closed."""

    code = "engine_closed"


class CatalogError(LunavoxError):
    """A model or voice cannot be found, read or downloaded."""

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
    """A download failed: the hub cannot be reached, refuses, or sends something else than it announced."""

    code = "download_failed"
    retryable = True


class HubUnreachable(DownloadFailed):
    """The hub cannot be reached now; installed models keep working."""

    code = "hub_unreachable"


class LunavoxSynthesisError(LunavoxError):
    """The text cannot be spoken as requested."""

    code = "synthesis_error"


class UnsupportedVoice(LunavoxSynthesisError):
    """The requested voice needs a capability that its backend does not have."""

    code = "unsupported_voice"


class EmptyText(LunavoxSynthesisError):
    """Nothing in the text can be spoken."""

    code = "empty_text"


class TextTooLong(LunavoxSynthesisError):
    """The text is longer than `limits.max_text_chars`."""

    code = "text_too_long"


class BadMarkup(LunavoxSynthesisError):
    """The SSML is not well-formed."""

    code = "bad_markup"


class TranscriptionError(LunavoxError):
    """The audio cannot be transcribed."""

    code = "transcription_error"


class BadAudio(TranscriptionError):
    """The format of the audio is not supported."""

    code = "bad_audio"


class AudioTooLong(TranscriptionError):
    """The utterance is longer than `limits.max_utterance_s`."""

    code = "audio_too_long"


class LoudspeakerError(LunavoxError):
    """Speech cannot be played."""

    code = "loudspeaker_error"


class NoLoudspeaker(LoudspeakerError):
    """Neither a sound card nor a satellite is set up."""

    code = "no_loudspeaker"


class UnknownSatellite(LoudspeakerError):
    """No satellite or area has this name."""

    code = "unknown_satellite"


class PlaybackFailed(LoudspeakerError):
    """Playback at the loudspeaker failed."""

    code = "playback_failed"
    retryable = True


class ProtocolError(LunavoxError):
    """A peer sent a message that violates the protocol."""

    code = "bad_message"


class Busy(LunavoxError):
    """A limit is reached, or something is in use; a retry after `retry_after_s` is likely to succeed."""

    code = "busy"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        """Create the error; `retry_after_s` are seconds from now."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TimedOut(LunavoxError):
    """The work or the peer took longer than its timeout."""

    code = "timeout"
    retryable = True


class Unreachable(LunavoxError):
    """No service answers at the address."""

    code = "unreachable"
    retryable = True


class NotAllowed(Unreachable):
    """The service refuses access: wrong user, wrong password or missing permission."""

    code = "not_allowed"
    retryable = False


class InsecurePeer(Unreachable):
    """The TLS certificate of the service is not trusted, or it does not accept ours."""

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
    """An unexpected failure inside this program; details are in the log."""

    code = "internal"
    retryable = True


def printable(text: str) -> str:
    """Return untrusted text for use in a message: control characters are replaced by "?"."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
