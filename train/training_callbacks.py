"""What is watched while a stage trains: the clock, the log, the motion path, the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import TrainerCallback

from llamo.train.questions import Question, score
from llamo.train.sharded import as_first_process, in_any_process, is_held_by_deepspeed, is_in_pieces, local_part


class StopAtTime(TrainerCallback):
    """Ends a stage when its minutes are over, the learning rates falling to zero towards that end."""

    def __init__(self, minutes: float):
        self.minutes, self.started = minutes, None

    def on_train_begin(self, args, state, control, lr_scheduler=None, **kwargs):
        self.started = time.time()
        # The rate follows the clock, so that a slower machine also ends at rate zero.
        if lr_scheduler is not None:
            lr_scheduler.lr_lambdas = [self.rate] * len(lr_scheduler.lr_lambdas)

    def rate(self, step: int) -> float:
        return min(1, (step + 1) / 20) * max(0.02, 1 - self.share())

    def share(self) -> float:
        # Processes whose clocks differ would have other rates, and one would wait for others that have stopped.
        return as_first_process(min(1.0, (time.time() - self.started) / (60 * self.minutes)) if self.started else 0.0)

    def on_step_end(self, args, state, control, **kwargs):
        if self.share() >= 1.0:
            control.should_training_stop = True
        return control


class WriteWeights(TrainerCallback):
    """Writes what is trained every so many minutes: a run that is cut off leaves weights."""

    def __init__(self, write: Callable[[], None], minutes: float = 10.0):
        self.write, self.minutes, self.last = write, minutes, time.time()

    def on_step_end(self, args, state, control, **kwargs):
        if state.is_world_process_zero and time.time() - self.last > 60 * self.minutes:
            self.write()
            self.last = time.time()
        return control


class JsonLines(TrainerCallback):
    """Everything that is logged, one JSON object a line, with rows per second since the last line."""

    def __init__(self, path: Path):
        self.path, self.last = path, None

    def on_train_begin(self, args, state, control, **kwargs):
        self.last = (time.time(), state.global_step)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not state.is_world_process_zero or not logs:
            return
        now = time.time()
        seconds, steps = now - self.last[0], state.global_step - self.last[1]
        line = {"step": state.global_step, **logs}
        if steps and seconds:
            rows = steps * args.train_batch_size * args.gradient_accumulation_steps * args.world_size
            line["rows_per_second"] = round(rows / seconds, 3)
            self.last = (now, state.global_step)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=float) + "\n")


class MotionPathCheck(TrainerCallback):
    """Stops a run in which what is trained of the motion path gets no gradient: its loss would fall without the motion.

    DeepSpeed's ZeRO-3 keeps gradients to itself and has stepped before anybody can look: nothing is checked there, and said so.

    Raises:
        RuntimeError: no gradient in the first `patience` steps.
    """

    def __init__(self, parts: Sequence[str], patience: int = 5):
        self.parts, self.patience, self.seen, self.done = tuple(parts), patience, 0, not parts

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        if self.done:
            return
        if is_held_by_deepspeed(model):
            self.done = True
            print("DeepSpeed holds the gradients: whether motion reaches what is trained is not checked.", flush=True)
            return
        grads = [
            local_part(parameter.grad)
            for name, parameter in model.named_parameters()
            if parameter.grad is not None and any(f".{part}." in f".{name}" for part in self.parts)
        ]
        self.seen += 1
        # Of what is held in pieces, a process may have none with a gradient.
        self.done = in_any_process(any(bool(grad.abs().max() > 0) for grad in grads if grad.numel()))
        if not self.done and self.seen >= self.patience:
            raise RuntimeError(
                f"Expected a gradient in {', '.join(self.parts)}, got none in {self.seen} steps. Motion does not reach the "
                "model: give every row an `images` column (empty lists are fine) and motion parts in its messages."
            )


class Validation(TrainerCallback):
    """Answers rows of a validation split now and then, and logs how many answers are right and how many without motion."""

    def __init__(self, rows, processor, num: int, every: int, batch_size: int = 16):
        self.rows = [rows[index] for index in range(min(num, len(rows)))]
        self.rows = [row for row in self.rows if row.get("answer") and row["kind"] != "text"]
        self.processor, self.every, self.batch_size = processor, every, batch_size

    def on_step_end(self, args, state, control, model=None, **kwargs):
        if self.rows and state.global_step % self.every == 0:
            self.report(args, state, model)

    def on_train_end(self, args, state, control, model=None, **kwargs):
        if self.rows and state.global_step % self.every:
            self.report(args, state, model)

    def report(self, args, state, model) -> None:
        if not state.is_world_process_zero and not is_in_pieces(model):
            return  # one process answers for all, unless it takes all of them to run the model
        figures = {"accuracy": self.accuracy(model, False), "accuracy_blind": self.accuracy(model, True)}
        if not state.is_world_process_zero:
            return
        print(json.dumps({"step": state.global_step, **figures, "questions": len(self.rows)}), flush=True)
        with open(Path(args.output_dir) / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **figures}) + "\n")

    @torch.no_grad()
    def accuracy(self, model, blind: bool) -> float:
        was_training, side = model.training, self.processor.tokenizer.padding_side
        model.eval()
        self.processor.tokenizer.padding_side = "left"  # generation goes on at the right end
        right = 0
        for start in range(0, len(self.rows), self.batch_size):
            rows = self.rows[start : start + self.batch_size]
            inputs = self.processor.apply_chat_template(
                [row["messages"][:1] for row in rows],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True},
            ).to(next(model.parameters()).device)
            if blind:
                inputs["motion_values"] = torch.zeros_like(inputs["motion_values"])
            output = model.generate(**inputs, max_new_tokens=32, do_sample=False)
            texts = self.processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            right += sum(score(asked(row), text) for row, text in zip(rows, texts, strict=True))
        self.processor.tokenizer.padding_side = side
        model.train(was_training)
        return round(right / len(self.rows), 4)


def asked(row: dict) -> Question:
    """The first question of a row, as the scoring rules read it."""
    text = " ".join(part["text"] for part in row["messages"][0]["content"] if part["type"] == "text")
    reply = " ".join(part["text"] for part in row["messages"][1]["content"] if part["type"] == "text")
    choices = tuple(row.get("choices") or ())
    return Question(row["kind"], text, reply, row["answer"], choices, row.get("tolerance") or 0.0)
