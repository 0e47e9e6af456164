"""Networks on a GPU, where there is one: they learn what they learn on a CPU, and serve strangers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith import Run  # noqa: E402
from recsmith.models import DCN, EmbeddingDotBias, MMoE, MultiTask, NextItem, SASRec, TwoTower  # noqa: E402
from recsmith.testing import toy  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")

GENRES = {"name": "genres", "embedding_dim": 4}
GROUPS = [
    {
        "features": [{"name": "item_id", "type": "int"}, {"name": "rating", "type": "float"}],
        "encoder": "lstm",
    },
    {"features": [GENRES], "encoder": "cnn"},
]
MODELS = {
    "attention": lambda: SASRec(embedding_dim=8, context_length=10, n_epochs=2, batch_size=8, dropout=0.0),
    "sampled": lambda: SASRec(embedding_dim=8, n_epochs=2, batch_size=8, loss="sampled_softmax"),
    "groups": lambda: NextItem(activity_groups=GROUPS, label={"embedding_dim": 8}, n_epochs=2, dropout=0.0),
    "towers": lambda: TwoTower(embedding_dim=8, output_dim=8, n_epochs=2, id_dropout=0.0),
    "two heads": lambda: MultiTask(embedding_dim=8, output_dim=8, n_epochs=2, id_dropout=0.0),
    "crosses": lambda: DCN(embedding_dim=8, deep_dims=(8,), n_epochs=2, id_dropout=0.0, history_length=5),
    "tasks": lambda: MMoE(embedding_dim=8, expert_dims=(8,), n_epochs=2, id_dropout=0.0),
    "embeddings": lambda: EmbeddingDotBias(embedding_dim=8, n_epochs=2),
}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", MODELS)
def test_a_gpu_learns_what_a_cpu_does(name, precision, tmp_path):
    data = toy.tastes()
    there = MODELS[name]().fit(data, run=Run(device="cuda", precision=precision, checkpoints=tmp_path))
    here = MODELS[name]().fit(data, run=Run(device="cpu"))
    losses = [[row["loss"] for row in model.learning_curve] for model in (there, here)]
    close = 0.1 if name == "sampled" else 0.05 if precision == "bfloat16" else 1e-3
    np.testing.assert_allclose(*losses, rtol=close)
    history = data.items.decode([1, 5, 9])
    assert len(there.recommend(histories=[history], k=5)) == 1
    there.save(tmp_path / "model")
