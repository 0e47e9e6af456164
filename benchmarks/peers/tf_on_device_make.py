"""Makes .tflite files as TensorFlow's on-device framework does: `PYTHON tf_on_device_make.py --out FOLDER`.

Run by a Python with TensorFlow. Layers, names and loss are those of the framework (written anew after a
description of it): a table for each feature and one for the label, ReLU on every dense layer, padding as a
class of its own, inputs `context_movie_id` int32 [10] and `context_movie_genre` int32 [32] without a batch,
outputs `top_prediction_ids` and `top_prediction_scores`, the converter's default options.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tf_on_device_train import GENRES_LENGTH, LENGTH, Original

NAMES = {"item_id": ("context_movie_id", LENGTH), "genres": ("context_movie_genre", GENRES_LENGTH)}
ENCODERS: dict[str, dict[str, Any]] = {
    "bow": {"encoder": "bow"},
    "cnn": {"encoder": "cnn", "ratios": [2, 4], "kernel_size": 4},
    "lstm": {"encoder": "lstm", "n_units": 16},
}


def spec_of(name: str) -> dict[str, Any]:
    """Returns the architecture of a row: an encoder, with `-genres` behind it for the second feature."""
    encoder, _, genres = name.partition("-")
    features = ["item_id", "genres"] if genres else ["item_id"]
    groups = [{"feature": feature, **ENCODERS[encoder]} for feature in features]
    return {"dim": 8, "hidden": [32, 32], "groups": groups}


class Serving(tf.Module):
    """Is a trained network with the framework's signature."""

    def __init__(self, model: Any, features: list[str], n_predictions: int) -> None:
        super().__init__()
        self.model, self.features, self.n_predictions = model, features, n_predictions

    def signature(self) -> Any:
        """Returns the function to be exported."""
        named = {NAMES[f][0]: tf.TensorSpec([NAMES[f][1]], tf.int32, NAMES[f][0]) for f in self.features}

        @tf.function(input_signature=[named])
        def serve(inputs: dict[str, Any]) -> dict[str, Any]:
            batch = {f: inputs[NAMES[f][0]][None] for f in self.features}
            top = tf.math.top_k(tf.squeeze(self.model(batch), 0), self.n_predictions, sorted=True)
            return {
                "top_prediction_ids": tf.cast(top.indices, tf.int32),
                "top_prediction_scores": tf.math.sigmoid(top.values),
            }

        return serve

    def convert(self) -> bytes:
        """Returns the file, by way of a SavedModel as the framework does.

        Keras 3's variables would stay variables that nothing fills: they are made constants first.
        """
        frozen = convert_variables_to_constants_v2(self.signature().get_concrete_function())
        given = [tf.TensorSpec([length], tf.int32, name) for name, length in map(NAMES.get, self.features)]

        @tf.function(input_signature=given)
        def serve(*inputs: Any) -> dict[str, Any]:
            ids, scores = frozen(*inputs)
            return {"top_prediction_ids": ids, "top_prediction_scores": scores}

        holder = tf.Module()
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(holder, folder, signatures={"serving_default": serve.get_concrete_function()})
            return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


def main() -> None:
    """Trains each network once, writes NAME.kK.tflite for each K, and prints a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tf-on-device-ml-100k"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", nargs="*", default=["bow", "cnn", "lstm"])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--predictions", nargs="*", type=int, default=[10, 100])
    asked = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(0)
    asked.out.mkdir(parents=True, exist_ok=True)
    arrays = dict(np.load(asked.data / "examples.npz"))
    learnt = ~arrays["is_test"] & ~arrays["is_last"]
    label = arrays["label_movie_id"].astype(np.int32).ravel()[learnt]
    given = {
        "item_id": arrays["context_movie_id"].astype(np.int32)[learnt],
        "genres": arrays["context_movie_genre"].astype(np.int32)[learnt],
    }
    n_ids = int(max(arrays["label_movie_id"].max(), arrays["context_movie_id"].max())) + 1
    for row in asked.rows:
        spec = spec_of(row)
        features = [group["feature"] for group in spec["groups"]]
        model: Any = Original(spec, n_ids)
        # Adam reaches in a few epochs what the framework's Adagrad at .1 needs many for.
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.005), loss)
        inputs = {feature: given[feature] for feature in features}
        told = model.fit(inputs, label, batch_size=256, epochs=asked.epochs, verbose=0)
        for k in asked.predictions:
            serving = Serving(model, features, k)
            made = serving.convert()
            file = asked.out / f"{row}.k{k}.tflite"
            file.write_bytes(made)
            line = {
                "row": row,
                "k": k,
                "file": file.name,
                "bytes": len(made),
                "parameters": int(model.count_params()),
                "loss": round(float(told.history["loss"][-1]), 4),
                "tensorflow": tf.__version__,
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
