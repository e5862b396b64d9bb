"""The two placeholders of a prompt: where a motion stands, and where a user turn's own frames go."""

import re
from collections.abc import Sequence

from .motion_preparation_llamo import MotionPreparation


def refuse_placeholders(text: str, placeholders: Sequence[str]) -> None:
    """Refuses a text of the user's that holds one of the placeholders.

    Raises:
        ValueError: it does.
    """
    for token in placeholders:
        if token in text:
            raise ValueError(
                f"Expected plain text, got the placeholder {token} in a message. Give motion as a part of its own, "
                '{"type": "motion", "path": ...}, and leave the placeholder out.'
            )


def expand_placeholders(
    texts: list[str], num_frames: list[int], preparation: MotionPreparation, placeholders: tuple[str, str]
) -> tuple[list[str], list[list[dict]]]:
    """Placeholders -> as many tokens as the model makes of each motion, and where they were and went.

    Args:
        texts: prompts of the batch.
        num_frames: frames of each motion at the rate of `preparation`, in order of appearance.
        preparation: knows how many tokens a motion gets.
        placeholders: of a motion, and of a user turn's own frames.
    """
    motion_token, focus_token = placeholders
    num_vectors = [preparation.num_vectors(count) for count in num_frames]
    pattern = re.compile(f"{re.escape(motion_token)}|{re.escape(focus_token)}")
    expanded_texts, all_offsets, seen = [], [], 0
    for text in texts:
        first, pieces, last, shift, offsets = seen, [], 0, 0, []
        for match in pattern.finditer(text):
            if match.group() == motion_token:
                seen += 1
                replacement = motion_token * preparation.num_summary_tokens
            else:
                kept = sum(min(preparation.num_focus_tokens, count) + 1 for count in num_vectors[first:seen])
                replacement = focus_token * kept
            start, end = match.span()
            pieces += [text[last:start], replacement]
            offsets.append(
                {
                    "type": "motion",
                    "span": (start, end),
                    "new_span": (start + shift, start + shift + len(replacement)),
                    "text": match.group(),
                    "replacement": replacement,
                }
            )
            shift += len(replacement) - (end - start)
            last = end
        expanded_texts.append("".join(pieces) + text[last:])
        all_offsets.append(offsets)
    return expanded_texts, all_offsets
