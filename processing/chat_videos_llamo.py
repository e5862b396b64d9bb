# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Which motion of a conversation a video shows, and which videos stand alone."""

from dataclasses import dataclass

from .video_download_llamo import fetch_video


@dataclass(frozen=True)
class SeenVideo:
    """A motion that is to be estimated from a video.

    Attributes:
        part (`dict`): the video part.
    """

    part: dict


def place_videos(messages: list[dict], fetch: bool = True) -> tuple[list[dict], list, list[tuple[dict, int]]]:
    """Sorts the media of one conversation.

    A video belongs to the motion "of" (an index of motion parts); without it, to the motion part before it, or else to the
    first one in its message. Where there is none it stands alone and becomes a motion itself. What is decided about a message
    does not change with the messages after it, so that a conversation can go on.

    Args:
        messages (`list[dict]`): cleaned messages of one conversation.
        fetch (`bool`): whether to get the videos behind addresses.

    Returns:
        messages as the template reads them, with a motion part for every motion and every video that stands alone; the
        motions in that order, a `SeenVideo` for each that stands alone; and the other videos, each with its motion's place.

    Raises:
        ValueError: a video of a motion that is not there.
    """
    given = [part for message in messages for part in parts_of(message) if part["type"] == "motion"]
    places: dict[int, int] = {}  # number of a motion part -> its place among all motions
    rendered, motions, waiting, before = [], [], [], 0
    for message in messages:
        if not isinstance(message.get("content"), list):
            rendered.append(message)
            continue
        here = sum(part["type"] == "motion" for part in message["content"])
        first, content = before, []
        for part in message["content"]:
            if part["type"] == "motion":
                places[before] = len(motions)
                before += 1
                motions.append(part)
                content.append(part)
            elif part["type"] == "video":
                of = motion_of(part, len(given), before, first if here else None)
                part = with_bytes(part) if fetch else part
                if of is None:
                    motions.append(SeenVideo(part))
                    content.append({"type": "motion"})
                else:
                    waiting.append((part, of))
            else:
                content.append(part)
        rendered.append({**message, "content": content})
    return rendered, motions, [(part, places[of]) for part, of in waiting]


def parts_of(message: dict) -> list[dict]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def motion_of(part: dict, num_motions: int, before: int, first_here: int | None) -> int | None:
    """The number of the motion part that a video shows; None where it stands alone.

    Args:
        num_motions (`int`): motion parts in the conversation.
        before (`int`): those before the video.
        first_here (`int`, *optional*): number of the first one in the video's message.
    """
    if part.get("of") is None:
        return before - 1 if before else first_here
    of = int(part["of"])
    if not 0 <= of < num_motions:
        raise ValueError(
            f"Expected a motion for every video, got a video of motion {of} in a conversation with {num_motions} "
            'motions. Put the motion of the same take beside it, {"type": "motion", ...}, or leave "of" out.'
        )
    return of


def with_bytes(part: dict) -> dict:
    """A part whose "url" has been fetched."""
    if "url" not in part:
        return part
    if any(key in part for key in ("path", "bytes", "video")):
        raise ValueError('Expected one of "path", "url", "bytes" and "video" in a video part, got several. Leave one.')
    return {**{key: value for key, value in part.items() if key != "url"}, "bytes": fetch_video(part["url"])}
