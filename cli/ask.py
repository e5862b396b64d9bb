"""`llamo ask`: questions about motion files, each answered on its own."""

import json
import time
from collections.abc import Iterator

from llamo.cli.session import BadInputError, open_session


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
) -> Iterator[str]:
    """Yields what to print for each question: three lines, or a JSON object on one line.

    Seconds: `load` the checkpoint (0 from the second question on), `prepare` from files to tensors, `first_token` from there
    to the first token of the answer, `total` all of it until the answer is complete.
    """
    if not files:
        raise BadInputError("Expected motion files and a question, got one argument. Write: llamo ask FILE... QUESTION")
    for question in questions:
        if not question.strip():
            raise BadInputError("Expected a question after the files, got an empty one. Write it in quotes.")
    session, motions, reading = open_session(model, files, max_new_tokens, temperature, device, dtype)
    loading = session.load_seconds
    for question in questions:
        content = [*(motion.part for motion in motions), {"type": "text", "text": question}]
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
            yield json.dumps(result, ensure_ascii=False)
        else:
            own = seconds["total"] - seconds["load"]
            extra = f" (and {seconds['load']:.1f} to load the model)" if seconds["load"] else ""
            yield f"Question: {question}\nAnswer:   {answer}\nSeconds:  {own:.2f}{extra}\n"
        loading = reading = 0.0
