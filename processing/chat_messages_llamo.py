"""Chat messages as LLaMo takes them: text, motion and video in parts, checked before a template renders them."""

from collections.abc import Sequence

from .motion_placeholders_llamo import refuse_placeholders


def clean_message(message: dict, placeholders: Sequence[str]) -> dict:
    """A message without the `None` values that Arrow adds to every part, its parts checked.

    Args:
        message: with "role" and "content", a text or a list of parts.
        placeholders: tokens that no text may hold.

    Raises:
        ValueError: a part of another type, motion or video in a message that is not the user's, a placeholder in a text.
    """
    content = message.get("content")
    if content is None:
        content = ""
    if not isinstance(content, list):
        refuse_placeholders(content, placeholders)
        return {**message, "content": content}
    parts = [{key: value for key, value in part.items() if value is not None} for part in content]
    for part in parts:
        kind = part.get("type")
        if kind == "text":
            refuse_placeholders(part.get("text", ""), placeholders)
            part.setdefault("text", "")
        elif kind not in ("motion", "video"):
            raise ValueError(
                f'Expected message parts of type "text", "motion" or "video", got {kind!r} in a {message.get("role")} '
                "message. LLaMo reads no images or sound; remove the part."
            )
        if kind in ("motion", "video") and message.get("role") != "user":
            raise ValueError(
                f"Expected motion and video in user messages, got a {kind} part in a {message.get('role')} message. "
                "Move it to a user message."
            )
    return {**message, "content": parts}
