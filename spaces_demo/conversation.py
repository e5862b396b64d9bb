"""One user's conversation: clips, messages as the model reads them, and as the page shows them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from assistant import Assistant
from clips import Clip


# Whatever Markdown or HTML could make of a text; shown as it was written instead.
# What Markdown reads anywhere, at the start of a line, and after the number of a list. Nothing else is escaped, because the
# copy buttons of the page copy what it was given.
ANYWHERE, AT_START, AFTER_NUMBER = r"([\\`*_\[\]|~])", r"(?<![^\n])([ ]*)([#+>=-])", r"(?<![^\n])([ ]*\d+)([.)])"


@dataclass
class Conversation:
    """State of one browser session, or of one call of the API; nobody else sees it.

    Attributes:
        clips: the clip that is talked about, then the one that it is compared with.
        messages: so far, in chat form, motion included.
        told: how many of `clips` are in `messages` already.
        looked_at: spans of time that the model chose for the last question, a list for every clip.
    """

    clips: list[Clip] = field(default_factory=list)
    messages: list[dict] = field(default_factory=list)
    told: int = 0
    looked_at: list[list[tuple[float, float]]] = field(default_factory=list)

    def clear(self) -> None:
        """Forgets all messages. The next question is about all clips again."""
        self.messages, self.told, self.looked_at = [], 0, []

    def ask(self, assistant: Assistant, question: str, temperature: float, max_new_tokens: int) -> Iterator[str]:
        """Yields the answer while it is made; what there is of it stays when it is stopped.

        Raises:
            ValueError: what the processor refuses; the conversation is then as before.
        """
        parts = [part for clip in self.clips[self.told :] for part in clip.parts]
        before = self.told
        self.messages.append({"role": "user", "content": [*parts, {"type": "text", "text": question}]})
        self.told = len(self.clips)
        reply = {"type": "text", "text": ""}
        answered = False
        try:
            for answer in assistant.answer(self.messages, temperature, max_new_tokens):
                if not answered:
                    self.messages.append({"role": "assistant", "content": [reply]})
                    answered = True
                reply["text"], self.looked_at = answer.text.strip(), answer.looked_at
                yield reply["text"]
        finally:
            if not answered:
                self.messages.pop()
                self.told = before

    def take_back(self) -> str | None:
        """Takes the last question and its answer back, and returns the question; `None` where there is none."""
        while self.messages and self.messages[-1]["role"] != "user":
            self.messages.pop()
        if not self.messages:
            return None
        content = self.messages.pop()["content"]
        self.told -= sum(part["type"] == "motion" for part in content)  # one of every clip
        return content[-1]["text"]

    def shown(self) -> list[dict]:
        """Messages for the page: only text, with nothing in it that Markdown or HTML would read."""
        return [
            {"role": message["role"], "content": plain(message["content"][-1]["text"]) or "..."} for message in self.messages
        ]


def plain(text: str) -> str:
    """A text that Markdown shows as it was written."""
    text = re.sub(ANYWHERE, r"\\\1", text)
    text = re.sub(AFTER_NUMBER, r"\1\\\2", re.sub(AT_START, r"\1\\\2", text))
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
