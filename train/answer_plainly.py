"""Write down what the base language model, untouched by motion, answers to `general_questions`.

python -m llamo.train.answer_plainly
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence

from llamo.processing.processing_llamo import LlamoProcessor
from llamo.train.evaluation.text import Bare, load_bare
from llamo.train.questions.general_questions import ANSWERS_FILE, general_questions


LONGEST = 48  # tokens; of longer answers the whole sentences
SENTENCES = re.compile(r".*[.!?](?=\s|$)", re.DOTALL)
UNFINISHED = re.compile(r"\n+\s*(\d+\.|[-*])\s*$")  # a list's next number, with nothing behind it


def whole_sentences(text: str) -> str:
    """`text` up to the last sentence that ends; empty where none does."""
    found = SENTENCES.match(UNFINISHED.sub("", text.strip()))
    return UNFINISHED.sub("", found[0]).strip() if found else ""


def answer_plainly(bare: Bare, questions: Sequence[str], batch_size: int = 16) -> dict[str, str]:
    """Question -> what `bare` answers, its whole sentences; questions to which it finishes none are left out."""
    texts = bare.answers(questions, batch_size, LONGEST)
    pairs = zip(questions, map(whole_sentences, texts), strict=True)
    return {question: answer for question, answer in pairs if answer}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="llamo", help="checkpoint, whose chat template is used")
    parser.add_argument("--base", help="causal language model: Hub id or folder; by default the pinned one")
    return parser


def main() -> None:
    arguments = make_parser().parse_args()
    bare = load_bare(LlamoProcessor.from_pretrained(arguments.model, trust_remote_code=False), arguments.base)
    if bare is None:
        raise SystemExit("Expected a base language model, got none: no network. Fetch it with `llamo init` first.")
    questions = general_questions()
    answers = answer_plainly(bare, questions)
    ANSWERS_FILE.write_text(json.dumps(answers, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(answers)} of {len(questions)} questions answered in {ANSWERS_FILE}")


if __name__ == "__main__":
    main()
