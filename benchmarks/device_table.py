"""Bytes, cold start, latency, accuracy of device files, TensorFlow's too: python benchmarks/device_table.py.

Two tables on the examples that TensorFlow's on-device framework made of MovieLens 100K (context 10). `alike`:
its own architectures, made and converted by TensorFlow (`--tf`, what peers/tf_on_device_make.py wrote) and by
recsmith in the sample's layout. `bundles`: the small models of tf_on_device.py in every format and
quantisation. Latency is one person's call on one thread of one core, of the file alone: LiteRT's Invoke, ONNX
Runtime's run, ExecuTorch's execute. Times are CPU times, so that other work on the machine counts only where
it takes the caches.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import brotli
import numpy as np
from tf_on_device import IDS, ROWS, group, network

from recsmith.config import Run
from recsmith.data.examples import Examples, read_tf_examples
from recsmith.models.base import Recommender
from recsmith.models.neural.next_item import NextItem

OWN = [{"name": "item_id", "type": "int", "shared": False}]
ENCODERS: dict[str, dict[str, Any]] = {
    "bow": {"encoder": "bow"},
    "cnn": {"encoder": "cnn", "n_filters": [16, 32], "kernel_size": 4},
    "lstm": {"encoder": "lstm", "n_units": 16},
}
ALIKE: dict[str, dict[str, dict[str, Any]]] = {
    name: {
        "recsmith": network(8, group(OWN, **encoder), hidden_layers=[32, 32]),
        "recsmith, one table": network(8, group(IDS, **encoder), hidden_layers=[32, 32]),
    }
    for name, encoder in ENCODERS.items()
}
SMALL: dict[str, dict[str, Any]] = {
    **{name: row.settings for name, row in zip(("bow", "cnn", "lstm"), ROWS, strict=False)},
    "transformer": network(16, group(IDS, "transformer", n_blocks=1, n_heads=2)),
}
KINDS: tuple[tuple[str, str | None], ...] = (
    ("litert", None),
    ("litert", "fp16"),
    ("litert", "int8"),
    ("onnx", None),
    ("onnx", "fp16"),
    ("onnx", "int8"),
    ("executorch", None),
)


def trained(name: str, settings: dict[str, Any], examples: Examples, kept: Path) -> NextItem:
    """Returns a model of the examples that are neither test nor anybody's last; from `kept` if there."""
    import recsmith

    if (kept / name).is_dir():
        model = recsmith.load(kept / name)
        assert isinstance(model, NextItem)
        return model
    learnable = examples.select(~examples.is_test & ~examples.is_last)
    model = (
        NextItem(**settings).learning_from(learnable).fit(learnable.dataset(), run=Run(seed=0, n_threads=1))
    )
    model.save(kept / name)
    return model


def accuracy(model: Recommender, test: Examples) -> dict[str, float]:
    """Returns NDCG@10 and recall@10 of examples; items of the context do not come back."""
    gain, hits, start = 0.0, 0, 0
    for block in model.top_k(test.histories(), k=10, run=Run(n_threads=1)):
        hit = block.codes == test.label[start : start + len(block.codes), None]
        hits += int(hit.any(1).sum())
        gain += float((hit / np.log2(np.arange(2, 12))).sum())
        start += len(block.codes)
    return {"NDCG@10": gain / len(test), "recall@10": hits / len(test)}


def sizes(file: Path) -> dict[str, int]:
    """Returns the bytes as they are and as a server would send them."""
    raw = file.read_bytes()
    return {
        "raw": len(raw),
        "gzip": len(gzip.compress(raw, 9)),
        "brotli": len(brotli.compress(raw, quality=11)),
    }


def timed(call: Callable[[], object], n: int = 3000) -> dict[str, float]:
    """Returns microseconds of a call, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    for _ in range(200):
        call()
    taken = np.empty(n)
    for place in range(n):
        began = time.process_time_ns()
        call()
        taken[place] = time.process_time_ns() - began
    os.sched_setaffinity(0, cores)
    return {name: float(np.percentile(taken, p)) / 1e3 for name, p in (("p50", 50), ("p99", 99))}


def cold(make: Callable[[], Callable[[], object]], n: int = 7) -> float:
    """Returns milliseconds from a closed file to the first answer, the package being imported."""
    taken = []
    for _ in range(n):
        began = time.process_time()
        make()()
        taken.append(1e3 * (time.process_time() - began))
    return float(np.median(taken))


def litert_call(file: Path, signature: str, inputs: dict[str, np.ndarray]) -> Callable[[], object]:
    """Returns one call of a .tflite, its inputs in place."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file), num_threads=1)
    runner = interpreter.get_signature_runner(signature)
    runner(**inputs)  # allocates and fills
    invoke, graph = runner._interpreter_wrapper.Invoke, runner._subgraph_index
    return lambda: (invoke(graph), interpreter)[0]


def bundle_call(path: Path, spec: Any, inputs: dict[str, np.ndarray]) -> Callable[[], object]:
    """Returns one call of a bundle's model file."""
    from recsmith.export.engine_executorch import ExecuTorchEngine
    from recsmith.export.engines import OnnxEngine

    if spec.format == "litert":
        return litert_call(path, "recommend", inputs)
    if spec.format == "onnx":
        engine = OnnxEngine(path, spec)
        names = [o.name for o in spec.signatures[0].outputs]
        return lambda: engine._session.run(names, inputs, engine._options)
    program = ExecuTorchEngine(path, spec)
    given = [program._torch.from_numpy(inputs[i.name]) for i in spec.signatures[0].inputs]
    return lambda: program._method.execute(given)


def alike(examples: Examples, work: Path, tf: Path, data: Path) -> list[dict[str, Any]]:
    """Measures TensorFlow's files and ours of the same architectures, in turn."""
    from recsmith.export.runtime_tf import load_tf_model
    from recsmith.export.tf_sample import export_tf_sample

    test, rows = examples.select(examples.is_test), []
    given = {"context_movie_id": np.array([4, 51, 8, 101, 201, 0, 0, 0, 0, 0], np.int32)}
    for name, settings in ALIKE.items():
        for k in (10, 100):
            files = {"TensorFlow": (tf / f"{name}.k{k}.tflite", data / "movie_vocab.json", None)}
            for maker, of_maker in settings.items():
                own = f"alike-{name}" + ("-shared" if "one" in maker else "")
                model = trained(own, of_maker, examples, work / "models")
                assets = work / f"{own}.k{k}"
                if not assets.is_dir():
                    export_tf_sample(model, assets, k=k, context_length=10)
                many = sum(p.numel() for p in model.net.parameters())
                files[maker] = (assets / "model.tflite", assets / "sorted_movie_vocab.json", many)  # type: ignore[assignment]
            for maker, (file, vocabulary, parameters) in files.items():
                row = {
                    "row": name,
                    "k": k,
                    "maker": maker,
                    "parameters": parameters,
                    "bytes": sizes(file),
                    "us": timed(litert_call(file, "serving_default", given)),
                    "cold_ms": cold(lambda file=file: litert_call(file, "serving_default", given)),  # type: ignore[misc]
                }
                if k == 100:
                    row |= accuracy(load_tf_model(file, vocabulary=vocabulary), test)
                rows.append(row)
                print(json.dumps(row), flush=True)
    return rows


def bundles(examples: Examples, work: Path, only: list[str]) -> list[dict[str, Any]]:
    """Measures every format and quantisation of the small models."""
    from recsmith.export.bundle import Bundle
    from recsmith.export.make import export_model
    from recsmith.export.runtime import load_bundle

    test, rows = examples.select(examples.is_test), []
    for name in only:
        model = trained(name, SMALL[name], examples, work / "models")
        for format, quantize in KINDS:
            path = work / f"{name}.{format}.{quantize or 'float'}"
            if quantize is None and format != "executorch":
                path = work / f"{name}.{format}.int8"
            if not path.is_dir():
                asked: Any = "int8" if quantize is None and format != "executorch" else quantize
                export_model(model, path, formats=[format], quantize=asked, allow_mismatch=True)  # type: ignore[list-item]
            bundle = Bundle.open(path)
            spec = bundle.model(format, quantize=quantize)  # type: ignore[arg-type]
            history = np.full((1, bundle.manifest.history_length), -1, np.int32)
            history[0, :5] = [3, 50, 7, 100, 200]
            inputs = {"history": history}
            row: dict[str, Any] = {
                "row": name,
                "format": format,
                "quantize": quantize,
                "parameters": sum(p.numel() for p in model.net.parameters()),
                "bytes": sizes(bundle.file(spec)),
                "us": timed(bundle_call(bundle.file(spec), spec, inputs)),
                "cold_ms": cold(lambda b=bundle, s=spec, i=inputs: bundle_call(b.file(s), s, i)),  # type: ignore[misc]
                "order_equal": spec.parity.order_equal if spec.parity else None,
                "overlap": spec.parity.overlap if spec.parity else None,
            }
            read = load_bundle(path, runtime=format, quantize=quantize)  # type: ignore[arg-type]
            row |= accuracy(read, test)
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def tables(found: dict[str, list[dict[str, Any]]]) -> str:
    """Returns both tables as Markdown."""
    lines = [
        "| architecture | K | made by | bytes | gzip | brotli | cold, ms | p50, µs | p99, µs | recall@10 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in found.get("alike", []):
        recall = f"{r['recall@10']:.4f}" if "recall@10" in r else ""
        lines.append(f"| {r['row']} | {r['k']} | {r['maker']} | {_measured(r)} | {recall} |")
    lines += [
        "",
        "| encoder | file | bytes | gzip | brotli | cold, ms | p50, µs | p99 | of float | overlap | NDCG |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    whole = {(r["row"], r["format"]): r for r in found.get("bundles", []) if r["quantize"] is None}
    for r in found.get("bundles", []):
        share = r["bytes"]["raw"] / whole[r["row"], r["format"]]["bytes"]["raw"]
        of_float = f"{share:.0%}" if r["quantize"] else ""
        ndcg = f"{r['NDCG@10']:.4f}" if "NDCG@10" in r else ""
        kind = f"{r['format']} {r['quantize'] or 'float32'}"
        lines.append(f"| {r['row']} | {kind} | {_measured(r)} | {of_float} | {r['overlap']:.4f} | {ndcg} |")
    return "\n".join(lines)


def _measured(row: dict[str, Any]) -> str:
    size, us = row["bytes"], row["us"]
    three = " | ".join(f"{size[name]:,}" for name in ("raw", "gzip", "brotli"))
    return f"{three} | {row['cold_ms']:.1f} | {us['p50']:.1f} | {us['p99']:.1f}"


def main() -> None:
    """Measures what is asked for and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tf-on-device-ml-100k"))
    parser.add_argument(
        "--tf", type=Path, help="files of peers/tf_on_device_make.py; without, no table `alike`"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("runs/device"), help="models and bundles are kept here"
    )
    parser.add_argument("--rows", nargs="*", default=list(SMALL), choices=list(SMALL))
    parser.add_argument("--out", type=Path, help="the figures as JSON")
    asked = parser.parse_args()
    examples = read_tf_examples(asked.data)
    found: dict[str, list[dict[str, Any]]] = {}
    if asked.tf is not None:
        found["alike"] = alike(examples, asked.work, asked.tf, asked.data)
    found["bundles"] = bundles(examples, asked.work, asked.rows)
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=1) + "\n")
    print(tables(found))


if __name__ == "__main__":
    main()
