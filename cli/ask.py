"""`llamo ask`: questions about motion files, each answered on its own."""

import json
import os
import sys
import time
from collections.abc import Iterator

from llamo.cli.session import BadInputError, MotionInput, open_session


class FirstTokenClock:
    """A streamer that only notes when the first token of the answer was there."""

    def __init__(self):
        self.calls = 0
        self.first = 0.0

    def put(self, token_ids) -> None:
        self.calls += 1
        if self.calls == 2:  # the first call brings the prompt
            self.first = time.perf_counter()

    def end(self) -> None:
        pass


def answer_questions(
    files: list[str],
    questions: list[str],
    model: str,
    as_json: bool,
    max_new_tokens: int | None,
    temperature: float,
    device: str | None,
    dtype: str,
    overrides: dict | None = None,
    evidence: bool = False,
    check: bool = False,
    explain: str | None = None,
    fast: bool = False,
) -> Iterator[str]:
    """Yields what to print for each question: three lines, or a JSON object on one line.

    Seconds: `load` the checkpoint (0 from the second question on), `prepare` from files to tensors, `first_token` from there
    to the first token of the answer, `total` all of it until the answer is complete.
    `overrides` is what the user says about the files, as in `read_motions`. `evidence` puts measurements before the question,
    `check` holds the answer against them. `explain` names a page that shows which moments the answers looked at. `fast` answers
    from ONNX graphs, where no motion is too long for them.
    """
    if not files:
        raise BadInputError("Expected motion files and a question, got one argument. Write: llamo ask FILE... QUESTION")
    for question in questions:
        if os.path.isfile(question):
            raise BadInputError(
                f"Expected a question after the files, got the file {question!r}. Write: llamo ask FILE... QUESTION"
            )
        if not question.strip():
            raise BadInputError("Expected a question after the files, got an empty one. Write it in quotes.")
    if explain is not None:
        from llamo.cli.view import check_targets

        check_targets(files, {"--explain": explain})
    explained = []
    session = None
    if fast:
        from llamo.cli.fast import open_fast_session

        check_fast(device, dtype, explain)
        session, motions, reading = open_fast_session(model, files, max_new_tokens, temperature, overrides)
    if session is None:
        session, motions, reading = open_session(model, files, max_new_tokens, temperature, device, dtype, overrides)
    loading = session.load_seconds
    measured = measure_inputs(motions) if evidence or check else []
    if not as_json:
        for line in video_lines(motions):
            print(line, file=sys.stderr, flush=True)
    for question in questions:
        facts = evidence_of(question, motions, measured) if evidence else []
        content = [
            *(part for motion in motions for part in motion.parts),
            {"type": "text", "text": "\n".join([*facts, question])},
        ]
        started = time.perf_counter()
        inputs = session.prepare([{"role": "user", "content": content}])
        prepared = time.perf_counter()
        clock = FirstTokenClock()
        output = session.generate(inputs, streamer=clock)
        finished = time.perf_counter()
        answer = session.decode(output[0, inputs["input_ids"].shape[1] :]).strip()
        seconds = {
            "load": loading,
            "prepare": reading + prepared - started,
            "first_token": (clock.first or finished) - prepared,
            "total": loading + reading + finished - started,
        }
        seconds = {name: round(value, 3) for name, value in seconds.items()}
        if as_json:
            reports = [motion.report for motion in motions]
            result = {"question": question, "answer": answer, "model": model, "inputs": reports, "seconds": seconds}
            if evidence:
                result["evidence"] = facts
            if check:
                result["check"] = check_answer(question, answer, measured)
            yield json.dumps(result, ensure_ascii=False)
        else:
            own = seconds["total"] - seconds["load"]
            extra = f" (and {seconds['load']:.1f} to load the model)" if seconds["load"] else ""
            said = "".join(f"Evidence: {fact} (given to the model with the question)\n" for fact in facts)
            held = check_words(check_answer(question, answer, measured)) if check else ""
            yield f"Question: {question}\n{said}Answer:   {answer}\n{held}Seconds:  {own:.2f}{extra}\n"
        loading = reading = 0.0
        if explain is not None:
            from llamo.cli.explain import looks

            explained.append((question, answer, looks(session.model, inputs)))
    if explain is not None:
        write_explanation(explain, explained, motions)


def check_fast(device: str | None, dtype: str, explain: str | None) -> None:
    """Refuses what the graphs cannot do.

    Raises:
        BadInputError: an option that belongs to PyTorch.
    """
    given = {"--device": device not in (None, "cpu"), "--dtype": dtype != "auto", "--explain": explain is not None}
    for name in given:
        if given[name]:
            raise BadInputError(f"Expected --fast without {name}, got both. --fast answers on the CPU; leave one of them out.")


def write_explanation(path: str, explained: list, motions: list[MotionInput]) -> None:
    """Writes the page of `--explain`.

    Raises:
        BadInputError: a place that cannot be written to.
    """
    from llamo.cli.explain import explain_page
    from llamo.processing.whole_files_llamo import replace_file

    shown = [(motion.report["path"], motion.part["motion"], motion.part["fps"]) for motion in motions]
    try:
        replace_file(path, explain_page(explained, shown).encode("utf-8"))
    except ValueError as error:
        raise BadInputError(error) from None


def video_lines(motions: list[MotionInput]) -> list[str]:
    """What to know about motions that come from videos, and about videos beside motions."""
    about = [motion.report for motion in motions if motion.report["format"] == "video" or "videos" in motion.report]
    return [f"{report['path']}: {note}" for report in about for note in report["assumed"]]


def measure_inputs(motions: list[MotionInput]) -> list[dict]:
    """What `measure_motion` finds in each motion."""
    from llamo.cli.measure import measure_raw

    return [measure_raw(motion.part["motion"], motion.part["fps"], motion.report["path"]) for motion in motions]


def evidence_of(question: str, motions: list[MotionInput], measured: list[dict]) -> list[str]:
    """A paragraph of measurements for each motion; files are named where there are several."""
    from llamo.cli.evidence import evidence_text

    names = [motion.report["path"] if len(motions) > 1 else "" for motion in motions]
    return [evidence_text(question, each, name) for each, name in zip(measured, names, strict=True)]


def check_answer(question: str, answer: str, measured: list[dict]) -> list[dict]:
    """The claims of an answer that measurements can confirm or contradict."""
    from llamo.cli import evidence

    return evidence.check_answer(question, answer, measured)


def check_words(checks: list[dict]) -> str:
    """A line for each contradiction, or one that says how much was checked."""
    wrong = [each["message"] for each in checks if not each["agrees"]]
    if wrong:
        return "".join(f"Check:    {message}\n" for message in wrong)
    agree = ", ".join(each["quantity"] for each in checks)
    return (
        f"Check:    agrees with the measurements ({agree})\n" if checks else "Check:    nothing in the answer can be measured\n"
    )
