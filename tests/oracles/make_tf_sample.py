"""Writes tf_sample/: a small .tflite that TensorFlow made, its vocabulary, and what TensorFlow answers.

Run by a Python with TensorFlow: `PYTHONPATH=benchmarks/peers PYTHON tests/oracles/make_tf_sample.py`. The
network is the one that benchmarks/peers writes anew after a description of TensorFlow's on-device framework,
here with an LSTM over made-up films, untrained. The answers come from Keras, not from the file. recsmith
itself is not imported.
"""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tf_on_device_make import Serving
from tf_on_device_train import LENGTH, Original

OUT = Path(__file__).parent / "tf_sample"
N_MOVIES, K = 40, 12
GENRES = ["Comedy", "Drama", "War"]


def main() -> None:
    keras.utils.set_random_seed(0)
    spec = {"dim": 4, "hidden": [8], "groups": [{"feature": "item_id", "encoder": "lstm", "n_units": 6}]}
    model = Original(spec, N_MOVIES + 1)
    rng = np.random.default_rng(0)
    histories = [rng.choice(np.arange(1, N_MOVIES + 1), n, replace=False).tolist() for n in (1, 2, 5, 10, 3)]
    padded = np.array([row + [0] * (LENGTH - len(row)) for row in histories], np.int32)
    logits = model({"item_id": padded}).numpy()
    order = np.argsort(-logits, axis=1, kind="stable")[:, :K]
    scores = tf.math.sigmoid(np.take_along_axis(logits, order, 1)).numpy()
    OUT.mkdir(exist_ok=True)
    (OUT / "lstm.tflite").write_bytes(Serving(model, ["item_id"], K).convert())
    lines = [[0, "", "", 0]]
    lines += [[n, f"Film {n} ({1980 + n})", GENRES[n % 3], 100 - n] for n in range(1, N_MOVIES + 1)]
    (OUT / "movie_vocab.json").write_text(json.dumps(lines) + "\n", encoding="utf-8")
    answers = {
        "tensorflow": tf.__version__,
        "histories": histories,
        "ids": order.tolist(),
        "scores": [[round(float(score), 7) for score in row] for row in scores],
    }
    (OUT / "answers.json").write_text(json.dumps(answers) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
