"""How lmms-eval finds LLaMo: the entry point of the group `lmms_eval.models` (see setup.py).

    python -m lmms_eval --model llamo --model_args pretrained=llamo --tasks TASK

Nothing here is loaded unless lmms-eval asks for it.
"""


def manifest():
    """What lmms-eval's registry wants to know; the class is imported when the model is used."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(model_id="llamo", simple_class_path="llamo.train.evaluation.lmms_model.Llamo")
