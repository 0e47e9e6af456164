"""Precision of a step: what a GPU's half precision brings with it, asked of torch's settings."""

import warnings

import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.training.device import in_precision  # noqa: E402


def test_attention_in_bfloat16_keeps_off_the_kernel_that_plans_for_every_length():
    allowed = torch.backends.cuda.cudnn_sdp_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # autocast tells of a GPU that is not there
        with in_precision("bfloat16", torch.device("cuda")):
            assert not torch.backends.cuda.cudnn_sdp_enabled()
            assert torch.backends.cuda.math_sdp_enabled()
    assert torch.backends.cuda.cudnn_sdp_enabled() == allowed


@pytest.mark.parametrize(("precision", "device"), [("float32", "cuda"), ("bfloat16", "cpu")])
def test_plain_float32_changes_nothing(precision, device):
    left = torch.ones(2, 2)
    with in_precision(precision, torch.device(device)):
        assert (left @ left).dtype == torch.float32
        assert torch.backends.cuda.cudnn_sdp_enabled()
