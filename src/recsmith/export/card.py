"""The model card: README.md of a bundle, for the person who is handed the folder."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tomli_w

from recsmith.export.manifest import FileSpec, Manifest, SignatureSpec, TensorSpec

MOVIELENS_TERMS = (
    "MovieLens is GroupLens Research's: no commercial use without their permission; treat a model made from "
    "it and its catalogue alike (https://grouplens.org/datasets/movielens/)."
)
_NO_TERMS = "Nothing is recorded of the data's terms: whoever passes this bundle on answers for them."
_READERS = {
    "litert": "LiteRT (Android, iOS, web, `ai-edge-litert` in Python)",
    "onnx": "ONNX Runtime (any platform, `onnxruntime` in Python)",
    "executorch": "ExecuTorch (Android, iOS)",
}
_WEIGHTS = {None: "float32", "fp16": "16-bit floats", "int8": "8-bit integers"}


@dataclass(frozen=True)
class About:
    """Holds what only those know who trained the model; everything may be absent."""

    data: str | None = None
    """The data's name."""
    n_users: int | None = None
    n_events: int | None = None
    terms: str | None = None
    """What may be done with the data."""
    recipe: str | None = None
    """The recipe, TOML."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The model's settings that are not its defaults, shown where there is no recipe."""
    split: str | None = None
    """How the test part was cut, in a sentence."""
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Metric → `value`, and perhaps `low`, `high`, `n_users`."""


def card(manifest: Manifest, about: About | None = None) -> str:
    """Returns the card as Markdown."""
    known = about or About()
    parts = [
        f"# {manifest.name}",
        _summary(manifest),
        "## Made from",
        _made_from(manifest, known),
        *(("## How good it is", _metrics(known)) if known.metrics else ()),
        "## Files and parity",
        _files(manifest),
        "## What goes in and comes out",
        _signatures(manifest),
        "## How to read it",
        _reading(manifest),
        "## Limits",
        _limits(manifest),
        "## Made with",
        ", ".join(f"{package} {version}" for package, version in manifest.created_by.items())
        + f"; {manifest.created}.",
    ]
    return "\n\n".join(parts) + "\n"


def _summary(manifest: Manifest) -> str:
    with_scores = (
        "Without a known item everybody gets the most popular ones."
        if manifest.empty_history == "popular"
        else "It has an answer for somebody without a history too."
    )
    return (
        f"A `{manifest.model_class}` that recommends from a catalogue of {manifest.n_items:,} items: a "
        f"person's history in, the {manifest.top_k} best items that they have not had out. It runs on the "
        "device, without a network, a server or Python; a history does not leave the device, and nothing is "
        f"kept from one call to the next. {with_scores}"
    )


def _made_from(manifest: Manifest, about: About) -> str:
    named = about.data or "data without a name"
    counted = [
        f"{count:,} {what}"
        for count, what in (
            (about.n_users, "people"),
            (about.n_events, "events"),
            (manifest.n_items, "items"),
        )
        if count is not None
    ]
    kind = "ratings" if manifest.weights.feedback == "ratings" else "events without ratings"
    low, high = manifest.weights.smallest, manifest.weights.largest
    scale = f", on a scale from {low:g} to {high:g}" if manifest.weights.feedback == "ratings" else ""
    lines = [f"**Data.** {named}: {', '.join(counted)}; {kind}{scale}. {about.terms or _NO_TERMS}"]
    if about.recipe:
        lines.append("**Recipe.** `recsmith train` repeats it with this file:")
        lines.append(f"```toml\n{_own_paths_away(about.recipe).strip()}\n```")
    elif about.settings:
        settings = ", ".join(f"`{name} = {value!r}`" for name, value in about.settings.items())
        lines.append(f"**Settings** other than the defaults: {settings}.")
    return "\n\n".join(lines)


def _own_paths_away(recipe: str) -> str:
    """Returns the recipe with paths and addresses cut to their last part: they are nobody else's matter."""
    try:
        described = tomllib.loads(recipe)
    except tomllib.TOMLDecodeError:
        return recipe
    return tomli_w.dumps(_short(described))


def _short(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _short(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_short(one, key) for one in value]
    if isinstance(value, str) and key in ("path", "quarantine"):
        return value.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if isinstance(value, str) and key == "url":  # may hold a password
        return value.partition("://")[0] + "://…"
    return value


def _metrics(about: About) -> str:
    rows = []
    for name, figure in about.metrics.items():
        low, high, people = figure.get("low"), figure.get("high"), figure.get("n_users")
        within = "" if low is None or high is None else f"{low:.4f} to {high:.4f}"
        rows.append((name, f"{figure['value']:.4f}", within, "" if people is None else f"{people:,}"))
    rule = f" {about.split.rstrip('.')}." if about.split else ""
    return (
        f"Measured on the run's test part, with the model that this bundle was made from.{rule}\n\n"
        + _table(("metric", "value", "95 % interval", "people"), rows)
    )


def _files(manifest: Manifest) -> str:
    rows = [
        (f"`{f.path}`", _what(f), f"{f.bytes / 1000:,.0f} KB", _parity(f))
        for f in manifest.files
        if f.role != "card"
    ]
    said = (
        "*Order kept*: of the recorded histories (`parity.json`: of every length, some with unknown ids), "
        "those whose list has the same items in the same order as the model's. `recsmith bundle verify .` "
        "asks again; the manifest holds every file's checksum."
    )
    if manifest.mismatch_allowed:
        said = (
            "> **Some file's answers differ from the model's, and it was written all the same** "
            f"(`--allow-mismatch`).\n\n{said}"
        )
    return f"{_table(('file', 'what', 'size', 'order kept'), rows)}\n\n{said}"


def _what(file: FileSpec) -> str:
    if file.format is None:
        return {
            "catalogue": "ids, titles and more, row by row",
            "parity": "histories and the model's answers",
        }.get(file.role, file.role)
    does = "lists" if file.role == "recommend" else "re-ranks candidates"
    return f"{does}, {_WEIGHTS[file.quantize]}; for {_READERS[file.format]}"


def _parity(file: FileSpec) -> str:
    figures = file.parity
    if figures is None:
        return ""
    text = f"{figures.order_equal:,} of {figures.n_histories:,}"
    if figures.overlap < 1:
        text += f", overlap@{figures.k} {figures.overlap:.3f}"
    if figures.max_score_difference is not None and file.quantize is None:
        text += f", scores within {figures.max_score_difference:.0e}"
    return text + ("" if figures.passed else " **(failed)**")


def _signatures(manifest: Manifest) -> str:
    shown: dict[str, SignatureSpec] = {}
    for file in manifest.files:
        for signature in file.signatures:
            shown.setdefault(signature.name, signature)
    parts = []
    for name, signature in shown.items():
        people = "any number of people" if signature.batch is None else _people(signature.batch)
        rows = [("in", *_tensor(t)) for t in signature.inputs] + [
            ("out", *_tensor(t)) for t in signature.outputs
        ]
        parts.append(f"**`{name}`**, {people} a call\n\n" + _table(("", "name", "type", "meaning"), rows))
    return "\n\n".join(parts)


def _people(batch: int) -> str:
    return "one person" if batch == 1 else f"{batch} people"


def _tensor(tensor: TensorSpec) -> tuple[str, str, str]:
    shape = ", ".join("any" if n is None else str(n) for n in tensor.shape)
    return f"`{tensor.name}`", f"{tensor.dtype} [{shape}]", tensor.meaning


def _reading(manifest: Manifest) -> str:
    scores = "calibrated" if manifest.score.calibrated else "not calibrated: good for order, no probability"
    steps = [
        "Row *r* of each column of `catalogue.json` is the item that the model calls *r*.",
        f"Drop ids that the catalogue lacks, keep the newest {manifest.history_length} events, oldest first, "
        f"and fill up with {manifest.padding} behind the last. The scores depend on the newest "
        f"{manifest.context_length}; the others are kept from being recommended again.",
        f"`item` holds catalogue rows, best first; {manifest.padding} ends a short list.",
        f"`score` is a {manifest.score.meaning} ({scores}).",
    ]
    numbered = "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1))
    return (
        "In Python, with `pip install 'recsmith[litert-runtime]'` or `[onnx-runtime]`, without torch:\n\n"
        "```python\nfrom recsmith.export import load_bundle\n\n"
        'model = load_bundle(".")\n'
        f'model.recommend(histories=[["an item id", "another"]], k=10, unknown="popular")\n```\n\n'
        f"Anywhere else:\n\n{numbered}"
    )


def _limits(manifest: Manifest) -> str:
    said = [
        "It knows the items of its catalogue and no others; what came out later needs a new bundle.",
        "It recommends what is like what people took. Popular items, and tastes that were many in the data, "
        "are served better than rare ones.",
        "It says nothing of age ratings, rights or stock: filter its lists by what you know.",
    ]
    if manifest.weights.feedback == "ratings":
        said.append(f"An item that is named without a rating counts as one rated {manifest.liked_weight:g}.")
    if any(f.quantize for f in manifest.files):
        said.append("Files of 8-bit or 16-bit weights may order near neighbours differently.")
    if any(f.format == "executorch" for f in manifest.files):
        said.append("The `.pte` is read on devices; in Python ExecuTorch's runtime needs torch.")
    return "\n".join(f"- {one}" for one in said)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )
