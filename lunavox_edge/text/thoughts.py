"""Removal of a language model's thoughts (reasoning) from its answer, which are not to be spoken."""

from __future__ import annotations

import re

_THOUGHT_NAMES = (
    "think|thinking|thought|thoughts|thought_process|reasoning|reasoning_content|reflection|reflect|antthinking"
    "|analysis|reason|internal|planning|rationale|deliberation|thinking_process|internal_thoughts|internal_thought"
    "|scratchpad|chain_of_thought|cot|inner_monologue|internal_monologue|inner_thoughts|inner_thought"
    "|longcat_think|extended_thinking|assistant_thinking|inner_thinking|cot_think|chain-of-thought"
    "|train_of_thought|ponder|pondering|thinking_block|thinking_step|step_by_step_thinking|mind"
    "|mm:think|seed:think|tool_call|tool_calls|function_call|tool_response"
).split("|")
_BRACKETED_NAMES = ("think", "thinking", "thought", "thoughts", "reasoning")
_THINKS = frozenset({"think", "thinking", "thought", "thoughts", "mm:think", "seed:think"})
"""Names that count as one: models open a thought with one of them and close it with another."""
_MAX_TAG_CHARS = 240
"""Maximum length of a tag, and of the text that is held back."""

_NAMES = "|".join(sorted(_THOUGHT_NAMES, key=len, reverse=True))
_ATTRIBUTE = r"""[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)"""
_OPEN_ATTRIBUTE = r"""(?:[\w:.-]+(?:\s*(?:=\s*(?:"[^"]*"?|'[^']*'?|[^\s"'<>]*))?)?)?"""
_ANGLE = re.compile(rf"<(?P<close>/?)(?P<name>{_NAMES})(?:\s+{_ATTRIBUTE})*\s*(?P<empty>/?)>", re.IGNORECASE)
_OPEN_ANGLE = re.compile(
    rf"</?(?P<name>{_NAMES})(?:\s+{_ATTRIBUTE})*(?:\s+{_OPEN_ATTRIBUTE})?/?\Z", re.IGNORECASE
)
_OPEN_NAME = re.compile(r"(?P<left>[<\[◁])/?(?P<name>[a-z_:-]*)\Z", re.IGNORECASE)
_BRACKET = re.compile(
    rf"(?:\[(?P<close>/?)(?P<name>{'|'.join(_BRACKETED_NAMES)})\](?![(\[:])"  # not [Thinking](a link)
    rf"|◁(?P<close_b>/?)(?P<name_b>{'|'.join(_BRACKETED_NAMES)})▷)",
    re.IGNORECASE,
)
_OPEN_BRACKET = re.compile(rf"\[/?(?:{'|'.join(_BRACKETED_NAMES)})\]?\Z", re.IGNORECASE)
_TEMPLATE = re.compile(r"<[|｜](?P<name>[\w/▁.:-]{1,40})[|｜]>")
_OPEN_TEMPLATE = re.compile(r"<(?:[|｜](?:[\w/▁.:-]{0,40}|[\w/▁.:-]{1,40}[|｜]))?\Z")
_TEMPLATE_PART = re.compile(r"(?P<close>end_of_|end_|/)?(?:begin_of_|begin_|start_of_|start_)?(?P<name>\w+)")
_PAIRS = {
    "<|channel>": ("channel", False),
    "<channel|>": ("channel", True),
    "<unused94>": ("unused", False),
    "<unused95>": ("unused", True),
}
_MARKS = ("<start_of_turn>", "<end_of_turn>", "<eos>", "<pad>")
"""Marks of chat templates in plain angle brackets."""
_CUT_OFF = re.compile(rf"{_OPEN_ANGLE.pattern}|<[|｜][a-z]", re.IGNORECASE)
"""An incomplete tag at the end of a text; `a <` is plain text."""
_MARK = re.compile(r"[<\[◁]")
_ROLE = re.compile(r"\s*(?P<role>\w*)(?=\W)\s*")
_ROLES = frozenset({"assistant", "model", "system", "user", "tool"})
"""What follows the mark of a turn says who speaks."""
_MESSAGE_ENDS = frozenset({"end", "return", "call"})
_UNNAMED = "?"
"""The channel before its name was read."""
_SPOKEN_CHANNELS = ("", "final")


class ThoughtFilter:
    """Filter for one streamed text: `feed` takes pieces of any size and returns the text without thoughts.

    Thoughts are enclosed in `<think>`, `<thinking>`, `<thought>`, `<reasoning>`, `<reflection>` and similar
    tags, in `[THINK]`, `◁think▷` or `<|begin_of_thought|>`, or are in a channel other than `final`
    (`<|channel|>analysis<|message|>`). Tags may have attributes, be nested, and be split anywhere. Without a
    closing tag a thought lasts to the end of the text. Other marks of chat templates (`<|im_end|>`) are
    removed too. Only text that may still become a tag is held back, 240 characters at most.

    Some chat templates put the opening tag into the prompt, so that the text begins inside a thought. Nothing
    is held back for that case: when a closing tag has no opening one, `feed` returns only what follows it,
    and `withdrawn` tells that everything returned before was a thought. Apart from that, the size of the
    pieces makes no difference. Not thread-safe.
    """

    def __init__(self) -> None:
        """Start outside of a thought."""
        self._held = ""
        self._out: list[str] = []
        self._last = ""
        self._previous = ""
        self._thoughts: list[str] = []
        self._header: str | None = None
        self._channel = ""
        self._gap = False
        self._role: str | None = None
        self._withdrawn = False

    @property
    def withdrawn(self) -> bool:
        """Whether the last `feed` found that everything returned by earlier calls was a thought."""
        return self._withdrawn

    def feed(self, text: str) -> str:
        """Add text; return the text that is certain to be spoken."""
        self._withdrawn = False
        self._read(self._held + text, final=False)
        return self._take()

    def finish(self) -> str:
        """End the text; return what was held back. Idempotent."""
        self._withdrawn = False
        self._read(self._held, final=True)
        if self._role and self._role.strip().lower() not in _ROLES:
            self._say("\n")
        return self._take()

    def _take(self) -> str:
        taken, self._out = "".join(self._out), []
        return taken

    def _read(self, text: str, *, final: bool) -> None:
        place = 0
        self._held = ""
        while mark := _MARK.search(text, place):
            at = mark.start()
            self._say(text[place:at])
            candidate = text[at : at + _MAX_TAG_CHARS]
            if not final and _may_grow(candidate):
                self._held = text[at:]
                return
            end = self._follow(candidate)
            if not end and final and _CUT_OFF.match(candidate):
                return
            if not end:
                self._say(text[at])
            place = at + (end or 1)
            self._previous = text[place - 1]
        self._say(text[place:])

    def _without_role(self, text: str) -> str:
        """Drop the word after the mark of a turn, which says who speaks."""
        if self._role is None:
            return text
        self._role += text
        who = _ROLE.match(self._role)
        if not who:
            return ""
        text = self._role[who.end() :] if who["role"].lower() in _ROLES else self._role
        self._role = None
        return text

    def _say(self, text: str) -> None:
        if not text:
            return
        self._previous = text[-1]
        text = self._without_role(text)
        if not text:
            return
        if self._header is not None:
            self._header = (self._header + text)[:_MAX_TAG_CHARS]
            return
        if self._thoughts or self._channel not in _SPOKEN_CHANNELS:
            return
        if self._gap:
            if not self._last:
                text = text.lstrip()
            elif not (self._last.isspace() or text[0].isspace()):
                text = f" {text}"
            if not text:
                return
            self._gap = False
        self._last = text[-1]
        self._out.append(text)

    def _follow(self, candidate: str) -> int:
        """Process the tag at the start of the text; return its length, 0 if there is no tag."""
        quoted = self._previous == "`"
        for pair, (name, closes) in _PAIRS.items():
            if candidate.startswith(pair):
                self._enter_or_leave(name, closes=closes)
                return len(pair)
        for mark in _MARKS:
            if candidate.startswith(mark):
                self._role = "" if mark == "<start_of_turn>" else self._role
                return len(mark)
        if template := _TEMPLATE.match(candidate):
            self._follow_template(template["name"].lower())
            return template.end()
        if tag := _ANGLE.match(candidate):
            opens_nothing = bool(tag["empty"])
            name, closes = tag["name"], bool(tag["close"])
        elif tag := _BRACKET.match(candidate):
            opens_nothing = False
            name, closes = tag["name"] or tag["name_b"], bool(tag["close"] or tag["close_b"])
        if not tag or (quoted and not (closes and self._thoughts)):
            return 0
        if not opens_nothing:
            self._enter_or_leave(candidate[0] + _family(name.lower()), closes=closes)
        return tag.end()

    def _follow_template(self, mark: str) -> None:
        part = _TEMPLATE_PART.fullmatch(mark.replace("▁", "_"))
        if part and part["name"] in _THOUGHT_NAMES:
            self._enter_or_leave("|" + _family(part["name"]), closes=bool(part["close"]))
        elif self._thoughts:
            return
        elif mark in {"im_start", "start_header_id", "end_header_id"}:
            self._role = "" if mark == "im_start" else self._role
            self._header = "" if mark == "start_header_id" else None
        elif mark == "start":
            self._header, self._channel, self._gap = "", "", True
        elif mark == "channel":
            self._header, self._channel, self._gap = "", _UNNAMED, True
        elif mark == "message" and self._header is not None:
            if self._channel == _UNNAMED:
                self._channel = next(iter(self._header.lower().split()), "")
            self._header = None
        elif mark in _MESSAGE_ENDS:
            self._header, self._channel, self._gap = None, "", True

    def _enter_or_leave(self, name: str, *, closes: bool) -> None:
        self._gap = True
        if not closes:
            self._thoughts.append(name)
        elif name in self._thoughts:
            while self._thoughts.pop() != name:
                pass
        elif not self._thoughts:
            self._out.clear()
            self._last = ""
            self._withdrawn = True


def without_thoughts(text: str) -> str:
    """Return a whole text without the thoughts in it."""
    thoughts = ThoughtFilter()
    return thoughts.feed(text) + thoughts.finish()


def _family(name: str) -> str:
    return "think" if name in _THINKS else name


def _may_grow(candidate: str) -> bool:
    """Whether a text that starts with `<`, `[` or `◁` may become a tag when more text follows."""
    if len(candidate) >= _MAX_TAG_CHARS:
        return False
    if any(tag.match(candidate) for tag in (_OPEN_ANGLE, _OPEN_TEMPLATE, _OPEN_BRACKET)):
        return True
    if any(pair.startswith(candidate) for pair in (*_PAIRS, *_MARKS)):
        return True
    partial = _OPEN_NAME.match(candidate)
    if not partial:
        return False
    names = _THOUGHT_NAMES if partial["left"] == "<" else _BRACKETED_NAMES
    return any(name.startswith(partial["name"].lower()) for name in names)
