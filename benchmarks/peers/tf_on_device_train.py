"""Trains the networks of `benchmarks/tf_speed.py` in TensorFlow, by the Python that has it; says how fast.

Two ways to be fed: `memory`, arrays through `model.fit`, and `launcher`, a reproduction of the input pipeline
and callbacks of TensorFlow's on-device recommendation launcher (records of tf.train.Example, metrics off).
Two kinds of network: `exact`, the arithmetic of recsmith's NextItem operation by operation from weights that
are handed over, and `original`, the layers of that framework, written anew after a description of them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

Layers = dict[str, Any]
LENGTH, GENRES_LENGTH = 10, 32


class Exact(keras.Model):
    """Is NextItem's network: a table for contexts and labels, genres by item, no weight on padding."""

    def __init__(self, spec: Layers, start: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.spec, self.n_items = spec, len(start["items.ids.weight"]) - 1
        # Row c + 1 holds what share of item c's genres each genre is.
        self.shares = tf.constant(start.pop("shares")) if "shares" in start else None
        self.known = tf.constant(start.pop("known"), tf.float32)[:, None]
        self.start = start
        self.names = {name: name.replace(".", "_") for name in start if "cells" not in name}
        for name, attribute in self.names.items():
            setattr(self, attribute, self.weight(start[name]))
        self.cells = [
            keras.layers.LSTM(group["n_units"], return_sequences=True)
            for group in spec["groups"]
            if group["encoder"] == "lstm"
        ]
        self.start_cells()

    def weight(self, values: np.ndarray) -> Any:
        return self.add_weight(shape=values.shape, initializer=keras.initializers.Constant(values))

    def start_cells(self) -> None:
        """Gives the cells their weights: torch has two biases where Keras has one, and rows for columns."""
        lstm = [(place, g) for place, g in enumerate(self.spec["groups"]) if g["encoder"] == "lstm"]
        for cells, (place, group) in zip(self.cells, lstm, strict=True):
            cells.build((None, LENGTH, group["width"]))
            named = f"activity.{place}.encoder.cells."
            w_in, w_state, b_in, b_state = (
                self.start[named + name]
                for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
            )
            cells.set_weights([w_in.T, w_state.T, b_in + b_state])

    def at(self, name: str) -> Any:
        return getattr(self, self.names[name])

    def encode(self, place: int, group: Layers, x: Any, mask: Any) -> Any:
        count = tf.reduce_sum(mask, 1)
        if group["encoder"] == "bow":
            return tf.reduce_sum(x, 1) / tf.maximum(count, 1.0)
        if group["encoder"] == "lstm":
            y = self.cells[place](x)
            is_last = tf.one_hot(tf.cast(count[:, 0], tf.int32) - 1, LENGTH)
            return tf.einsum("bl,ble->be", is_last, y)
        y, field = x, 1
        for layer, filters in enumerate(group["n_filters"]):
            kernel = group["kernel_size"]
            weight = self.at(f"activity.{place}.encoder.filters.{layer}.weight")
            bias = self.at(f"activity.{place}.encoder.filters.{layer}.bias")
            # NextItem keeps a filter as a row over (step, channel); TensorFlow as (step, channel, filter).
            shaped = tf.reshape(tf.transpose(weight), (kernel, -1, filters))
            y = tf.nn.relu(
                tf.nn.conv1d(tf.pad(y, ((0, 0), (kernel - 1, 0), (0, 0))), shaped, 1, "VALID") + bias
            )
            field += kernel - 1
        step = tf.cast(tf.range(1, LENGTH + 1), tf.float32)[None, :, None]
        recent = (step <= count[:, None]) & (step > count[:, None] - (LENGTH - field + 1))
        return tf.reduce_max(y * tf.cast(recent, tf.float32), 1)

    def call(self, item: Any) -> Any:
        table = self.at("items.ids.weight")
        mask = tf.cast(item != 0, tf.float32)[..., None]
        parts = []
        for place, group in enumerate(self.spec["groups"]):
            if group["feature"] == "item_id":
                x = tf.gather(table, item)
            else:
                genres = self.at(f"activity.{place}.embedding.tables.t0.table.weight")
                x = tf.gather(tf.matmul(self.shares, genres), item)
            parts.append(self.encode(place, group, x * mask, mask))
        hidden = tf.concat(parts, 1) if len(parts) > 1 else parts[0]
        if self.spec["projection"]:
            hidden = tf.matmul(hidden, self.at("head.0.weight"), transpose_b=True) + self.at("head.0.bias")
        items = table[1:]
        if "items.map.weight" in self.names:
            mean = tf.matmul(self.shares[1:], self.at("items.embedding.tables.t0.table.weight"))
            items = items * self.known + tf.matmul(mean, self.at("items.map.weight"), transpose_b=True)
        return tf.matmul(hidden, items, transpose_b=True)


class Original(keras.Model):
    """Is the framework's network: a table for each feature of each group, and one for the label."""

    def __init__(self, spec: Layers, n_ids: int) -> None:
        super().__init__()
        dim, self.spec = spec["dim"], spec
        near_zero = [keras.initializers.TruncatedNormal(stddev=1 / np.sqrt(d)) for d in (dim, 4)]
        self.label = keras.layers.Embedding(n_ids, dim, embeddings_initializer=near_zero[0])
        self.tables, self.encoders = [], []
        for group in spec["groups"]:
            is_id = group["feature"] == "item_id"
            start = near_zero[0] if is_id else near_zero[1]
            rows, width = (n_ids, dim) if is_id else (21, 4)
            self.tables.append(keras.layers.Embedding(rows, width, embeddings_initializer=start))
            self.encoders.append(self.encoder(group, dim))
        self.hidden = [keras.layers.Dense(width, activation="relu") for width in (*spec["hidden"], dim)]
        self.all_ids = tf.range(n_ids)

    @staticmethod
    def encoder(group: Layers, dim: int) -> list[Any]:
        if group["encoder"] == "lstm":
            return [keras.layers.LSTM(group["n_units"])]
        if group["encoder"] == "cnn":
            kernel = group["kernel_size"]
            return [
                keras.layers.Conv1D(dim * ratio, kernel, strides=kernel, padding="same", activation="relu")
                for ratio in group["ratios"]
            ]
        return []

    def call(self, inputs: Any) -> Any:
        parts = []
        for group, table, layers in zip(self.spec["groups"], self.tables, self.encoders, strict=True):
            code = inputs[group["feature"]]
            mask = tf.cast(code != 0, tf.float32)[..., None]
            x = table(code) * mask
            for layer in layers:
                x = layer(x)
            if group["encoder"] == "bow":
                x = tf.math.divide_no_nan(tf.reduce_sum(x, 1), tf.reduce_sum(mask, 1))
            parts.append(tf.reduce_max(x, 1) if group["encoder"] == "cnn" else x)
        x = tf.concat(parts, 1)
        for dense in self.hidden:
            x = dense(x)
        return tf.matmul(x, self.label(self.all_ids), transpose_b=True)


def write_records(arrays: dict[str, np.ndarray], vocabulary: list[str], file: Path) -> None:
    """Writes the examples as the framework's generator does."""

    def ints(values: np.ndarray) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values.tolist()))

    with tf.io.TFRecordWriter(str(file)) as writer:
        for row in range(len(arrays["label_movie_id"])):
            genres = [vocabulary[code].encode() for code in arrays["context_movie_genre"][row]]
            rating = arrays["context_movie_rating"][row].tolist()
            features = {
                "context_movie_id": ints(arrays["context_movie_id"][row]),
                "context_movie_rating": tf.train.Feature(float_list=tf.train.FloatList(value=rating)),
                "context_movie_year": ints(arrays["context_movie_year"][row]),
                "context_movie_genre": tf.train.Feature(bytes_list=tf.train.BytesList(value=genres)),
                "label_movie_id": ints(arrays["label_movie_id"][row].reshape(1)),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def launcher_pipeline(spec: Layers, file: Path, vocabulary: Path, batch_size: int) -> tf.data.Dataset:
    """Returns the framework's pipeline: shuffled records, each parsed by itself, batched, one ahead."""
    genres = any(group["feature"] == "genres" for group in spec["groups"])
    wanted = {
        "context_movie_id": tf.io.FixedLenFeature([LENGTH], tf.int64, [0] * LENGTH),
        "label_movie_id": tf.io.FixedLenFeature([1], tf.int64, [0]),
    }
    lookup = None
    if genres:
        unknown = ["UNK"] * GENRES_LENGTH
        wanted["context_movie_genre"] = tf.io.FixedLenFeature([GENRES_LENGTH], tf.string, unknown)
        line = tf.lookup.TextFileIndex.LINE_NUMBER
        file_of = tf.lookup.TextFileInitializer(
            str(vocabulary), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, line
        )
        lookup = tf.lookup.StaticVocabularyTable(file_of, num_oov_buckets=1)

    def parse(record: Any) -> Any:
        found = tf.io.parse_single_example(record, wanted)
        features = {"item_id": tf.cast(found["context_movie_id"], tf.int32)}
        if lookup is not None:
            features["genres"] = tf.cast(lookup.lookup(found["context_movie_genre"]), tf.int32)
        return features, tf.cast(found["label_movie_id"], tf.int32)[0]

    files = tf.data.Dataset.from_tensor_slices([str(file)])
    records = tf.data.TFRecordDataset(files).shuffle(1).repeat().shuffle(10_000)
    return records.map(parse, num_parallel_calls=8).batch(batch_size, drop_remainder=True).prefetch(1)


class Cell:
    """Is a network with its feed; every round goes on with the next batches."""

    def __init__(self, job: Layers) -> None:
        self.job, self.done, folder, spec = job, 0, Path(job["folder"]), job["spec"]
        arrays = dict(np.load(folder / "examples.npz"))
        item, label = (arrays[name].astype(np.int32) for name in ("context_movie_id", "label_movie_id"))
        self.inputs: Any = item
        if spec["kind"] == "exact":
            self.model: keras.Model = Exact(spec, dict(np.load(job["weights"])))
            label = label - 1
            rule: Any = keras.optimizers.Adam(job["learning_rate"], epsilon=1e-8)
        else:
            self.model = Original(spec, job["n_items"] + 1)
            given = {"item_id": item, "genres": arrays["context_movie_genre"].astype(np.int32)}
            self.inputs = {group["feature"]: given[group["feature"]] for group in spec["groups"]}
            rule = keras.optimizers.Adagrad(job["learning_rate"], clipnorm=job["clip_norm"])
        self.label = label
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(rule, loss, jit_compile=job["jit"])
        self.callbacks: list[Any] = []
        if job["fed"] == "launcher":
            file, vocabulary = folder / "train.tfrecord", Path(job["vocabulary"])
            if not file.is_file():
                some = {name: values[: job["n_records"]] for name, values in arrays.items()}
                write_records(some, vocabulary.read_text().splitlines(), file)
            self.pipeline = launcher_pipeline(spec, file, vocabulary, job["batch_size"])
            kept = tf.train.Checkpoint(model=self.model)
            save = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: kept.write(str(folder / f"ckpt-{self.done}"))
            )
            self.callbacks = [save]

    def round(self) -> dict[str, Any]:
        """Trains the next steps; returns examples per CPU second and the mean loss."""
        n_steps, size = self.job["n_steps"], self.job["batch_size"]
        rows = self.job["order"][self.done * size : (self.done + n_steps) * size]
        x = tf.nest.map_structure(lambda values: values[rows], self.inputs)
        y = self.label[rows]
        self.done += n_steps
        began = time.process_time()
        if self.job["fed"] == "launcher":
            fitted = self.model.fit(
                self.pipeline, steps_per_epoch=n_steps, verbose=0, callbacks=self.callbacks
            )
        else:
            fitted = self.model.fit(x, y, batch_size=size, shuffle=False, verbose=0)
        seconds = time.process_time() - began
        return {
            "rate": n_steps * size / seconds,
            "loss": float(fitted.history["loss"][0]),
            "parameters": int(self.model.count_params()),
        }


def main() -> None:
    """Answers each line, a job in JSON, with a line of JSON; the first says what is here."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    print(json.dumps({"versions": f"TensorFlow {tf.__version__}, Keras {keras.__version__}"}), flush=True)
    cells: dict[str, Cell] = {}
    for line in sys.stdin:
        job = json.loads(line)
        if job["name"] not in cells:
            job["order"] = np.load(Path(job["folder"]) / "order.npy")
            cells[job["name"]] = Cell(job)
        print(json.dumps(cells[job["name"]].round()), flush=True)


if __name__ == "__main__":
    main()
