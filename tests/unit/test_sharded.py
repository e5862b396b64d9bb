"""What FSDP asks of the model, in one process: gradients without motion, and weights written as they were."""

from types import SimpleNamespace

import pytest
import torch
from accelerate.utils import FullyShardedDataParallelPlugin
from conftest import assistant, encode, make_config, make_model, user
from peft import LoraConfig, get_peft_model

from llamo.train.sharded import as_first_process, as_it_was, in_any_process, is_in_pieces, prepare_for_pieces
from llamo.train.training_callbacks import MotionPathCheck


@pytest.fixture(params=[False, True], ids=["whole", "lora"])
def prepared(request, processor):
    model = make_model(make_config(processor))
    if request.param:
        settings = LoraConfig(target_modules=r".*language_model\..*\.q_proj", modules_to_save=["talker"])
        model = get_peft_model(model, settings)
    plugin = SimpleNamespace(transformer_cls_names_to_wrap=None, mixed_precision_policy=None)
    before = {name: value.shape for name, value in model.state_dict().items()}
    return model, plugin, prepare_for_pieces(model, plugin), before


def test_every_own_weight_has_a_gradient_without_motion(prepared, processor):
    model, _, _, _ = prepared
    inputs = encode(processor, [user("How are you?"), assistant("Well.")])
    loss = model(**inputs, labels=inputs["input_ids"]).loss
    loss.backward()
    own = [weight for name, weight in model.named_parameters() if ".talker." in name and weight.requires_grad]
    assert own and all(weight.grad is not None and not weight.grad.any() for weight in own)


def test_layers_alone_become_pieces_and_single_numbers_are_restored(prepared):
    model, plugin, widened, before = prepared
    assert plugin.transformer_cls_names_to_wrap == ["LlamaDecoderLayer"]
    assert widened and all(parameter.ndim for parameter in model.parameters())
    gathered = {name: value.clone() for name, value in model.state_dict().items()}  # as after FSDP, nothing is shared
    restored = as_it_was(model, gathered, widened)
    assert {name: value.shape for name, value in restored.items()} == before
    words = [value for name, value in restored.items() if name.endswith(("embed_tokens.weight", "lm_head.weight"))]
    assert len(words) == 2 and words[0].data_ptr() == words[1].data_ptr()


def test_what_somebody_chose_stays_and_inputs_are_not_rounded(processor):
    plugin = FullyShardedDataParallelPlugin(fsdp_version=2, transformer_cls_names_to_wrap=["LlamaMLP"])
    plugin.set_mixed_precision("bf16")
    prepare_for_pieces(make_model(make_config(processor)), plugin)
    policy = plugin.mixed_precision_policy
    assert plugin.transformer_cls_names_to_wrap == ["LlamaMLP"]
    assert policy.param_dtype == torch.bfloat16 and not policy.cast_forward_inputs


def test_one_process_agrees_with_itself(model):
    assert as_first_process(0.5) == 0.5 and in_any_process(True) and not in_any_process(False) and not is_in_pieces(model)


def test_what_deepspeed_holds_does_not_stop_a_run_for_want_of_gradients(capsys):
    held, whole = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    held.weight.ds_id = 0  # as ZeRO-3 marks what it holds
    check = MotionPathCheck(["talker"], patience=1)
    for _ in range(3):
        check.on_pre_optimizer_step(None, None, None, model=torch.nn.ModuleDict({"talker": held}))
    assert capsys.readouterr().out.count("not checked") == 1 and is_in_pieces(held)
    with pytest.raises(RuntimeError, match="got none in 1 steps"):
        MotionPathCheck(["talker"], patience=1).on_pre_optimizer_step(
            None, None, None, model=torch.nn.ModuleDict({"talker": whole})
        )
