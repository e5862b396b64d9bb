"""Suites `humanml3d` and `kit`: captions of the test split against those of people.

Protocol, after MotionGPT's evaluation of motion-to-text (and what follows it), so that figures compare: motions of the test
split of 40 to 199 frames (24 to 199 for KIT-ML), all captions of a motion as its references, a caption with times as a
motion of its own. Texts of both sides: lower case, words only. BLEU of the whole corpus from sacrebleu (no further
tokenisation, brevity by the closest reference), ROUGE-L from rouge-score (F1 with the best reference, mean over motions),
CIDEr from pycocoevalcap (document frequencies of these references; needs no Java), BERTScore from bert-score (idf,
rescaled, as there) where it and its model are at hand. What a library that is not installed would give is null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from llamo.train.public_data import read_humanml3d, read_kit
from llamo.train.questions import Question

from .items import Item, numbered
from .motion_files import FPS, Motions, one_folder
from .suite import Suite, SuiteOptions


QUESTION = "Describe the motion in one sentence."
LENGTHS = {"humanml3d": (40 / 20, 200 / 20), "kit": (24 / 12.5, 200 / 12.5)}  # seconds


def builder(suite: str, reader: Callable):
    def build(options: SuiteOptions) -> list[Item]:
        root = one_folder(options.data, suite)
        try:
            told = list(reader(root, options.split or "test"))
        except FileNotFoundError as error:
            raise ValueError(f"Expected the published layout of {suite}, got no {error} in {root}. Check --data.") from None
        shortest, longest = LENGTHS[suite]
        items = []
        for one, joints in Motions(options.left_out).all(told):
            if not shortest <= len(joints) / FPS < longest:
                continue
            if options.limit is not None and len(items) == options.limit:
                break
            question = Question("caption", QUESTION, one.captions[0], one.captions[0])
            facts = {"references": list(one.captions)}
            items.append(Item("", "caption", question, one.name, joints, facts=facts))
        return numbered(suite, items)

    return build


def words(text: str) -> str:
    """Lower case, words only."""
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))


def judge(items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    """Whether a caption is one of the references word by word: nobody expects it, and the table needs a share."""
    return [words(text) in map(words, item.facts["references"]) for item, text in zip(items, texts, strict=True)]


def caption_scores(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float | None]:
    """BLEU-1, BLEU-4, ROUGE-L, CIDEr (all times 100) and BERTScore F1, of a corpus; None for what is not installed."""
    said = [words(text) for text in predictions]
    told = [[words(text) for text in texts] for texts in references]
    return {**bleu(said, told), "ROUGE-L": rouge(said, told), "CIDEr": cider(said, told), "BERTScore": bert(said, told)}


def bleu(said: Sequence[str], told: Sequence[Sequence[str]]) -> dict[str, float | None]:
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        return {"BLEU-1": None, "BLEU-4": None}
    # sacrebleu wants the first reference of everything, then the second, ...; who has fewer has None.
    most = max(len(texts) for texts in told)
    streams = [[texts[place] if place < len(texts) else None for texts in told] for place in range(most)]
    scores = {}
    for order in (1, 4):
        metric = BLEU(tokenize="none", force=True, smooth_method="none" if order == 1 else "exp", max_ngram_order=order)
        scores[f"BLEU-{order}"] = float(metric.corpus_score(list(said), streams).score)
    return scores


def rouge(said: Sequence[str], told: Sequence[Sequence[str]]) -> float | None:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        return None
    scorer = RougeScorer(["rougeL"])
    best = [scorer.score_multi(list(texts), text)["rougeL"].fmeasure for text, texts in zip(said, told)]
    return 100 * sum(best) / len(best)


def cider(said: Sequence[str], told: Sequence[Sequence[str]]) -> float | None:
    try:
        from pycocoevalcap.cider.cider import Cider
    except ImportError:
        return None
    references = {place: list(texts) for place, texts in enumerate(told)}
    score, _ = Cider().compute_score(references, {place: [text] for place, text in enumerate(said)})
    return 100 * float(score)


def bert(said: Sequence[str], told: Sequence[Sequence[str]]) -> float | None:
    try:
        from bert_score import score

        f1 = score(list(said), [list(texts) for texts in told], lang="en", rescale_with_baseline=True, idf=True, verbose=False)[
            2
        ]
    except (ImportError, OSError):  # not installed, or its model is not at hand
        return None
    return 100 * float(f1.mean())


def measures(items: Sequence[Item], records: Sequence[dict[str, Any]], session: Any = None) -> dict[str, Any]:
    """The scores of the model and of its blind and shuffled self."""
    references = [item.facts["references"] for item in items]
    return {
        "captioning": {
            name: caption_scores([record[field] for record in records], references)
            for name, field in (("model", "prediction"), ("blind", "blind"), ("shuffled", "shuffled"))
            if all(field in record for record in records)
        }
    }


LAYOUT = "the folder as published: texts/, new_joints/ or new_joint_vecs/, test.txt"
HUMANML3D = Suite(
    "humanml3d",
    "humanml3d-captioning-2",
    "HumanML3D captioning: BLEU-1 and 4, ROUGE-L, CIDEr, BERTScore",
    builder("humanml3d", read_humanml3d),
    needs=LAYOUT,
    judge=judge,
    measures=measures,
)
KIT = Suite(
    "kit",
    "kit-captioning-2",
    "KIT-ML captioning, with the same figures",
    builder("kit", read_kit),
    needs=LAYOUT,
    judge=judge,
    measures=measures,
)
