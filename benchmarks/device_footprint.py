"""What it takes to read a bundle without torch: python benchmarks/device_footprint.py.

A small network is trained on the bundled MovieLens and exported. Then, for each runtime, a fresh environment
gets recsmith's wheel and that runtime alone, opens the bundle, answers histories and evaluates; printed are
the environment's megabytes, the CPU seconds from the first import to the first answer, and the figure. One
more has no recsmith, but the guide's reader of forty lines, and answers the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

READ = """
import importlib.util, json, sys, time
path, runtime = sys.argv[1:]
for absent in ("torch", "onnxruntime" if runtime == "litert" else "ai_edge_litert"):
    assert importlib.util.find_spec(absent) is None, absent + " is here"
began = time.process_time()
from recsmith.export import load_bundle
model = load_bundle(path, runtime=runtime)
ids = model.memory.items.ids.to_list()[:3]
lists = model.recommend(histories=[ids, []], k=10, unknown="popular")
first = time.process_time() - began
assert all(len(found) == 10 for found in lists.item_ids), "lists are full"
assert not set(ids) & set(lists.item_ids[0]), "nothing seen comes back"
from recsmith import evaluate, leave_last_out, load_movielens
figures = evaluate(model, leave_last_out(load_movielens("latest-small")), n_bootstrap=0)
assert "torch" not in sys.modules
value = round(figures["NDCG@10"].value, 6)
print(json.dumps({"first_answer_s": round(first, 2), "list": list(lists.item_ids[0]), "NDCG@10": value}))
"""
ALONE = """
import json, re, sys, time
path, guide = sys.argv[1:]
code = re.search(r"^```python\n(.*?)^```$", open(guide, encoding="utf-8").read(), re.S | re.M)[1]
began = time.process_time()
exec(code)
model = Recommender(path)
found = model.recommend(model.item_ids[:3])
first = time.process_time() - began
assert len(found) == 10 and "recsmith" not in sys.modules
print(json.dumps({"first_answer_s": round(first, 2), "list": [item for item, _ in found]}))
"""
GUIDE = Path("docs/guide/on-device-apps.md")


def bundle(out: Path) -> float:
    """Trains, exports for both runtimes, and returns the model's own NDCG@10."""
    from recsmith import Run, evaluate, leave_last_out, load_movielens
    from recsmith.export import export_model
    from recsmith.models import NextItem

    split = leave_last_out(load_movielens("latest-small"))
    model = NextItem(label={"embedding_dim": 16}, context_length=20, n_epochs=2)
    model.fit(split.train, run=Run(n_threads=1))
    export_model(model, out, formats=["litert", "onnx"], n_histories=100)
    return evaluate(model, split, n_bootstrap=0)["NDCG@10"].value


def megabytes(folder: Path) -> float:
    """Returns the size of a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if not file.is_symlink()) / 1e6


def main() -> None:
    """Prints a line of JSON for the empty environment and for each runtime."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--constraints", type=Path, default=Path("constraints.txt"))
    parser.add_argument("--bundle", type=Path, help="one made before, of the train part of the bundled data")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        made = asked.bundle or work / "bundle"
        if asked.bundle is None:
            print(json.dumps({"model": "NextItem, bow", "NDCG@10": round(bundle(made), 6)}), flush=True)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(work), "."], check=True)
        wheel = next(work.glob("*.whl"))
        jobs = {
            "litert": (f"{wheel}[litert-runtime]", READ, "litert"),
            "onnx": (f"{wheel}[onnx-runtime]", READ, "onnx"),
            "litert without recsmith": ("ai-edge-litert", ALONE, str(GUIDE.resolve())),
        }
        for name, (package, program, argument) in jobs.items():
            place = work / name.replace(" ", "-")
            venv.create(place, with_pip=True)
            empty, python = megabytes(place), str(place / "bin" / "python")
            install = [python, *pip[1:], "install", "-c", str(asked.constraints), package]
            subprocess.run(install, check=True)
            done = subprocess.run(
                [python, "-c", program, str(made.resolve()), argument],
                check=True,
                capture_output=True,
                text=True,
                cwd=work,
            )
            sizes = {"empty_mb": round(empty), "megabytes": round(megabytes(place))}
            print(json.dumps({"runtime": name, **sizes, **json.loads(done.stdout)}), flush=True)


if __name__ == "__main__":
    main()
