"""Where everything stands in the prompt: which motions and instructions the placeholders of token ids stand for."""

from dataclasses import dataclass


@dataclass
class LlamoPromptLayout:
    """Positions of motions, user turns and their pairs in a batch of token ids, found by `locate_motions`."""

    motion_order: list[int]  # of each motion within its row
    pair_turns: list[int]  # turn of each pair
    pair_motions: list[int]  # motion of each pair
    turn_rows: list[int]  # row of each turn
    turn_words: list[list[int]]  # token positions of each turn's instruction
    row_motions: list[int]  # number of motions in each row


REMEDY = (
    "Let the processor expand the placeholders and pass all it returns, do not truncate (trl: --max_length None), and for "
    "trl give the data set an `images` column (empty lists are fine), without which motion never reaches the model."
)


def locate_motions(input_ids, attention_mask, lengths: list[int], config) -> LlamoPromptLayout:
    """Finds which motions and instructions the placeholders of a prompt stand for.

    Every motion owns `num_summary_tokens` consecutive `<|motion|>`. A run of `<|motion_focus|>` closes a user turn; for every
    motion of the row so far it holds the kept frames and the totals of what is asked about. The instruction of a turn is its
    own text alone, so that no answer, neither a later nor an earlier one, takes part in the selection.

    Args:
        input_ids: `(B, L)`, a tensor or an array.
        attention_mask: `(B, L)` or `None`.
        lengths: number of motion vectors of each motion of the batch, in order of appearance.
        config: a `LlamoConfig`, or what has its token ids and counts.

    Raises:
        ValueError: placeholders and motions disagree, in either direction.
    """
    num_summary, num_focus = config.talker_config.num_summary_tokens, config.talker_config.num_focus_tokens
    start = list(config.instruction_start_token_ids)
    layout = LlamoPromptLayout([], [], [], [], [], [])
    mask_rows = attention_mask.tolist() if attention_mask is not None else [None] * len(input_ids)
    first_motion = 0
    for row, (ids, real) in enumerate(zip(input_ids.tolist(), mask_rows, strict=True)):
        summary_tokens, turn_start, position = 0, 0, 0
        while position < len(ids):
            token = ids[position]
            if token == config.motion_token_id:
                summary_tokens += 1
            elif start and ids[position : position + len(start)] == start:
                turn_start = position + len(start)
            elif token == config.motion_focus_token_id:
                run_end = position
                while run_end < len(ids) and ids[run_end] == config.motion_focus_token_id:
                    run_end += 1
                motions = range(first_motion, first_motion + summary_tokens // num_summary)
                # The kept frames of each motion, and its totals.
                expected = sum(min(num_focus, lengths[motion]) + 1 for motion in motions if motion < len(lengths))
                if run_end - position != expected or motions.stop > len(lengths):
                    raise ValueError(
                        f"Expected {expected} <|motion_focus|> tokens for {len(motions)} motions ({len(lengths)} given in the "
                        f"batch), got {run_end - position} at token {position} of row {row}. {REMEDY}"
                    )
                words = [
                    index
                    for index in range(turn_start, position)
                    if ids[index] not in (config.motion_token_id, config.motion_focus_token_id)
                    and (real is None or real[index])
                ]
                layout.pair_turns += [len(layout.turn_rows)] * len(motions)
                layout.pair_motions += list(motions)
                layout.turn_rows.append(row)
                layout.turn_words.append(words)
                turn_start = run_end
                position = run_end - 1
            position += 1
        count, rest = divmod(summary_tokens, num_summary)
        if rest:
            raise ValueError(
                f"Expected {num_summary} <|motion|> tokens for each motion, got {summary_tokens} in row {row}. {REMEDY}"
            )
        layout.motion_order += list(range(count))
        layout.row_motions.append(count)
        first_motion += count
    if first_motion != len(lengths):
        raise ValueError(
            f"Expected as many motions as the prompt has places for, got {len(lengths)} motions for {first_motion} places "
            f"({num_summary} <|motion|> tokens each) in a batch of {len(input_ids)} rows. {REMEDY}"
        )
    return layout
