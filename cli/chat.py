"""`llamo chat`: a conversation about motion files. Answers are streamed, and what was read once stays in the KV cache."""

import sys

from llamo.cli.session import BadInputError, MotionInput, Session, check_files, open_session, read_motions


HELP = "Commands: /add FILE, /reset (forget the conversation, keep the files), /quit. Anything else is a question."


class Conversation:
    """Messages so far, and the KV cache with the token ids it holds.

    Args:
        session: the loaded checkpoint.
        motions: files that the next question is about.
        overrides: what the user says about files that are added, as in `read_motions`.
    """

    def __init__(self, session: Session, motions: list[MotionInput], overrides: dict | None = None):
        self.session = session
        self.overrides = overrides
        self.motions = list(motions)
        self.reset()

    def reset(self) -> None:
        """Forgets all messages. The next question is about all files again."""
        self.messages: list[dict] = []
        self.pending = list(self.motions)
        self.forget_cache()

    def forget_cache(self) -> None:
        self.cache = None
        self.cached_ids: list[int] = []

    def add(self, path: str) -> MotionInput:
        """Reads one more file; it goes with the next question."""
        check_files([path])
        (motion,) = read_motions(self.session.processor, [path], self.overrides)
        self.motions.append(motion)
        self.pending.append(motion)
        return motion

    def ask(self, question: str, streamer=None) -> str:
        """Answers in the context of the conversation.

        An exception, the user's Ctrl-C included, leaves the conversation as it was before the question.
        """
        content = [*(part for motion in self.pending for part in motion.parts), {"type": "text", "text": question}]
        messages = [*self.messages, {"role": "user", "content": content}]
        try:
            inputs = self.session.prepare(messages)
            prompt = inputs["input_ids"][0].tolist()
            self.keep_common_prefix(prompt)
            output = self.session.generate(inputs, streamer=streamer, past_key_values=self.cache)
        except BaseException:
            self.forget_cache()  # it may hold a part of what has just been dropped
            raise
        # The last token of the answer was never fed to the model.
        self.cached_ids = output[0].tolist()[: self.cache.get_seq_length()]
        answer = self.session.decode(output[0, len(prompt) :])
        self.messages = [*messages, {"role": "assistant", "content": [{"type": "text", "text": answer}]}]
        self.pending = []
        return answer

    def keep_common_prefix(self, prompt: list[int]) -> None:
        """Cuts the cache to what it has in common with the new prompt.

        That is nearly always all of it. An answer that encodes to other tokens than it was generated as, or one that was cut
        off, differs from some token on.
        """
        common = 0
        while common < min(len(self.cached_ids), len(prompt) - 1) and self.cached_ids[common] == prompt[common]:
            common += 1
        if self.cache is None or common == 0:
            from transformers import DynamicCache

            self.cache = DynamicCache(config=self.session.model.config.get_text_config())
        elif common < len(self.cached_ids):
            self.cache.crop(common)
        self.cached_ids = self.cached_ids[:common]


def run_chat(
    files: list[str],
    model: str,
    max_new_tokens: int | None,
    temperature: float,
    device: str | None,
    dtype: str,
    overrides: dict | None = None,
) -> None:
    """Reads questions and commands from stdin until /quit or its end. `overrides` is as in `read_motions`."""
    session, motions, _ = open_session(model, files, max_new_tokens, temperature, device, dtype, overrides)
    for motion in motions:
        print(describe(motion), file=sys.stderr)
    print(HELP, file=sys.stderr)
    conversation = Conversation(session, motions, overrides)
    while (line := read_line()) is not None:
        command, _, argument = line.partition(" ")
        if command == "/quit":
            break
        try:
            if command == "/reset":
                conversation.reset()
            elif command == "/add":
                print(describe(conversation.add(argument.strip())), file=sys.stderr)
            elif command.startswith("/"):
                print(f"Unknown command {command}. {HELP}", file=sys.stderr)
            elif line:
                answer_aloud(conversation, line)
        except BadInputError as error:
            print(f"llamo: {error}", file=sys.stderr)


def read_line() -> str | None:
    """The next line of input without spaces around it, `None` at its end."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except (EOFError, KeyboardInterrupt):
        return None


def answer_aloud(conversation: Conversation, question: str) -> None:
    """Prints the answer while it is made. Ctrl-C stops it and takes the question back."""
    from transformers import TextStreamer

    tokenizer = conversation.session.processor.tokenizer
    try:
        conversation.ask(question, TextStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True))
    except KeyboardInterrupt:
        print("\nStopped; the question is forgotten.", file=sys.stderr)


def describe(motion: MotionInput) -> str:
    """One line on what was found in a file."""
    report = motion.report
    line = f"{report['path']}: {report['format']}, {report['seconds']:.1f} s, {report['frames']} frames at "
    line += f"{report['source_fps']:g} fps, {report['joints']} joints ({report['skeleton']}), {report['units']}, "
    line += f"{report['up_axis']} up"
    return line + (f"; assumed {', '.join(report['assumed'])}" if report["assumed"] else "")
