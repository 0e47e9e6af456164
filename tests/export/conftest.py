"""Small trained models and their bundles; a conversion takes seconds, so each is made once a session."""

import shutil
from pathlib import Path

import pytest

from recsmith import Run
from recsmith.testing import toy

DATA = toy.tastes(n_users=30, n_items=60)
ONE = Run(n_threads=1)
SMALL = {"n_epochs": 1, "batch_size": 8, "context_length": 6, "learning_rate": 0.02}
IDS = {"name": "item_id", "type": "int"}
SETTINGS = {
    "bow": {},
    "cnn": {"n_filters": [4, 5], "kernel_size": 2},
    "caser": {"n_filters": [3], "n_vertical": 2},
    "lstm": {"n_units": 5},
    "gru": {"n_units": 5, "n_layers": 2},
    "transformer": {"n_blocks": 1},
    "transformer, post": {"n_blocks": 1, "block": "post"},
    "transformer, gated": {"n_blocks": 2, "block": "gated", "n_heads": 2},
}
RICH = {
    "activity_groups": [
        {
            "features": [
                IDS,
                {"name": "rating", "type": "float"},
                {"name": "genres", "embedding_dim": 3},
                {"name": "gap", "type": "float"},
                {"name": "day_of_week", "embedding_dim": 2},
            ],
            "encoder": "cnn",
            "width": 6,
        },
        {"features": [{"name": "item_id", "type": "int", "embedding_dim": 3}], "encoder": "bow"},
    ],
    "global_groups": [{"features": [{"name": "user_id", "type": "int", "embedding_dim": 2}]}],
    "label": {"embedding_dim": 4, "bias": True, "features": [{"name": "genres", "embedding_dim": 3}]},
    "hidden_layers": [5],
}


def next_item(encoder="bow", **more):
    """An unfitted NextItem of item ids alone."""
    from recsmith.models import NextItem

    group = {"features": [IDS], "encoder": encoder.partition(",")[0], **SETTINGS[encoder]}
    label = {"embedding_dim": 4}
    return NextItem(**{**SMALL, "activity_groups": [group], "label": label, **more})


@pytest.fixture(scope="session")
def model():
    """A fitted transformer."""
    pytest.importorskip("torch", reason="the neural extra is not installed")
    return next_item("transformer").fit(DATA, run=ONE)


@pytest.fixture(scope="session")
def onnx_bundle(model, tmp_path_factory) -> Path:
    """Its bundle with an ONNX file; tests that change it take a copy."""
    pytest.importorskip("onnxscript", reason="the onnx extra is not installed")
    from recsmith.export import export_model

    out = tmp_path_factory.mktemp("bundles") / "onnx"
    export_model(model, out, formats=["onnx"], n_histories=200)
    return out


@pytest.fixture
def copied(onnx_bundle, tmp_path) -> Path:
    """A bundle that a test may spoil."""
    return Path(shutil.copytree(onnx_bundle, tmp_path / "bundle"))
