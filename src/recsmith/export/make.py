"""export_model: a fitted model to a bundle, whole or not at all, and only if its answers are the same."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsmith.data.feature_space import FeatureSpace
from recsmith.errors import InvalidValue, MissingExtra, RecsmithError, Shown, require
from recsmith.export import parity, parity_rank
from recsmith.export.bundle import CARD, CATALOGUE, PARITY, Bundle, described, is_bundle
from recsmith.export.card import About, card
from recsmith.export.catalogue import write_catalogue
from recsmith.export.graphs import express, express_ranking
from recsmith.export.manifest import (
    MANIFEST,
    ColumnSpec,
    FileSpec,
    Format,
    Manifest,
    Quantize,
    ScoreSpec,
    WeightSpec,
)
from recsmith.export.parity import Cases
from recsmith.export.parity_rank import RankCases
from recsmith.export.quiet import quiet
from recsmith.export.verify import figures_of
from recsmith.models.base import Recommender
from recsmith.models.pipeline import Pipeline
from recsmith.storage import folder_aside

if TYPE_CHECKING:
    from recsmith.export.graphs.base import DeviceGraph, DeviceParts, RankGraph

FORMATS: tuple[Format, ...] = ("litert", "onnx", "executorch")
WRITERS: dict[Format, tuple[str, ...]] = {
    "litert": ("litert-torch", "litert-converter"),
    "onnx": ("onnx", "onnxscript"),
    "executorch": ("executorch",),
}
"""Format → the packages whose versions the manifest keeps."""
K = 100
_MANY = 200_000  # items: above, the signature `scores` is left out


class ParityFailed(RecsmithError):
    """Is raised when a model file answers differently from the model it was made from."""


def export_model(
    model: Recommender,
    out: Path | str,
    *,
    formats: Sequence[Format] = ("litert",),
    quantize: Quantize | None = None,
    name: str | None = None,
    k: int = K,
    n_histories: int = 1000,
    allow_mismatch: bool = False,
    overwrite: bool = False,
    about: About | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> Bundle:
    """Writes the bundle of a fitted model and returns it, opened.

    `quantize` adds a smaller file beside each of float32. `n_histories` of the training histories go into
    parity.json with the model's answers; every file must give the same, or `ParityFailed` is raised and
    nothing is written, unless `allow_mismatch`, which the manifest then tells. `about` is what the card tells
    of the training. Raises `InvalidValue` for a
    model that cannot be expressed, `MissingExtra` for an exporter that is not installed.
    """
    target = Path(out)
    if (
        target.exists()
        and not (overwrite and is_bundle(target))
        and (target.is_file() or any(target.iterdir()))
    ):
        cure = "Add overwrite to replace a bundle." if is_bundle(target) else ""
        raise InvalidValue("out", "a new folder", str(target), cure)
    writers = {one: _writer(one) for one in dict.fromkeys(formats)}
    graph = express(model)
    parts = _parts(model, graph, k)
    say("Recording the model's own answers")
    cases = _cases(model, graph, top_k=parts.recommend.k, n_histories=n_histories)
    rank_cases = None if parts.rank is None else _rank_cases(model, parts.rank.graph, cases)
    with folder_aside(target) as aside:
        write_catalogue(model.memory, aside / CATALOGUE)
        versions = _versions(tuple(writers))
        of_rank = None if rank_cases is None else rank_cases.to_dict()
        cases.save(aside / PARITY, made_with=versions, rank=of_rank)
        written: list[FileSpec] = []
        for one, convert in writers.items():
            say(f"Converting to {one}")
            written += convert(parts, aside, quantize=quantize)
        manifest = _manifest(model, graph, parts, written, versions, name=name, aside=aside)
        say("Comparing each file's answers with the model's")
        judged = _judged(Bundle(aside, manifest), cases, rank_cases)
        failed = [f for f in judged if f.parity is not None and not f.parity.passed]
        if failed and not allow_mismatch:
            raise ParityFailed(_said(failed))
        manifest = _with_files(manifest, judged, mismatch=bool(failed))
        (aside / CARD).write_text(card(manifest, about or about_model(model)), encoding="utf-8")
        files = (*manifest.files, described(aside / CARD, "card"))
        manifest = _with_files(manifest, files, mismatch=bool(failed))
        (aside / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return Bundle.open(target)


def missing() -> dict[Format, MissingExtra]:
    """Returns the formats whose exporters are not installed here, with what installs them."""
    absent: dict[Format, MissingExtra] = {}
    for one in FORMATS:
        try:
            _writer(one)
        except MissingExtra as error:
            absent[one] = error
    return absent


def _writer(format: Format) -> Callable[..., list[FileSpec]]:
    if format not in FORMATS:
        raise InvalidValue("format", f"one of {', '.join(FORMATS)}", format)
    require("torch", extra=format)
    module = importlib.import_module(f"recsmith.export.{format}")
    with quiet():  # exporters warn and chatter when they are imported
        module.ready()
    convert: Callable[..., list[FileSpec]] = module.convert
    return convert


def _parts(model: Recommender, graph: DeviceGraph, k: int) -> DeviceParts:
    import torch

    from recsmith.export.graphs.base import DeviceParts, Rank, Recommend

    if k < 1:
        raise InvalidValue("k", "1 or more", k)
    ranking = express_ranking(model)
    recommend = Recommend(graph.eval(), torch.from_numpy(model.memory.popularity.copy()), k=k)
    rank = None if ranking is None else Rank(ranking.eval())
    return DeviceParts(recommend, rank, with_scores=graph.n_items <= _MANY)


def _cases(model: Recommender, graph: DeviceGraph, *, top_k: int, n_histories: int) -> Cases:
    sources = {i.source for i in graph.inputs}
    return parity.record(
        model,
        history_length=graph.history_length,
        top_k=top_k,
        with_weights=bool(sources & {"weight", "event"}),
        with_times=bool(sources & {"event", "context"}),
        n_histories=n_histories,
    )


def _rank_cases(model: Recommender, graph: RankGraph, cases: Cases) -> RankCases:
    """Returns what the ranking model says of candidates: a pipeline's second stage, or the model itself."""
    memory = model.memory
    rows = cases.encoded(memory.items, liked_weight=memory.liked_weight)
    ranker = model.ranker if isinstance(model, Pipeline) else model
    return parity_rank.record(
        ranker, rows, history_length=graph.history_length, n_candidates=graph.n_candidates
    )


def _judged(bundle: Bundle, cases: Cases, rank_cases: RankCases | None) -> list[FileSpec]:
    """Returns the files with their figures; of several quantised the same way, the smallest that passes."""
    files = []
    for spec in bundle.manifest.files:
        figures = None
        if spec.role in ("recommend", "rank"):
            figures = figures_of(bundle, spec, cases, rank_cases)
        files.append(spec.model_copy(update={"parity": figures}))
    kept: list[FileSpec] = []
    for key in dict.fromkeys((f.role, f.format, f.quantize) for f in files):
        same = [f for f in files if (f.role, f.format, f.quantize) == key]
        best = min(same, key=lambda f: (f.parity is not None and not f.parity.passed, f.bytes))
        for other in same:
            if other is not best:
                bundle.file(other).unlink()
        kept.append(_plainly_named(bundle, best) if len(same) > 1 else best)
    return kept


def _plainly_named(bundle: Bundle, spec: FileSpec) -> FileSpec:
    """Returns the entry of a chosen variant under the name that every bundle has: model.int8.tflite."""
    stem, _, ending = spec.path.split(".")
    name = f"{stem}.{spec.quantize}.{ending}"
    bundle.file(spec).rename(bundle.path / name)
    return spec.model_copy(update={"path": name})


def _manifest(
    model: Recommender,
    graph: DeviceGraph,
    parts: DeviceParts,
    written: list[FileSpec],
    versions: dict[str, str],
    *,
    name: str | None,
    aside: Path,
) -> Manifest:
    memory = model.memory
    low, high = memory.weight_range
    return Manifest(
        name=name or type(model).__name__,
        model_class=type(model).__name__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        created_by=versions,
        n_items=graph.n_items,
        history_length=graph.history_length,
        context_length=graph.history_length if graph.context_length is None else graph.context_length,
        top_k=parts.recommend.k,
        score=ScoreSpec(meaning=graph.score_meaning, calibrated=graph.calibrated),
        empty_history="popular" if graph.needs_history else "scores",
        liked_weight=memory.liked_weight,
        weights=WeightSpec(feedback=memory.feedback, smallest=low, largest=high, mean=memory.mean_weight),
        features=_features(graph, *(() if parts.rank is None else (parts.rank.graph,))),
        request_time=graph.request_time,
        files=(
            *written,
            described(aside / CATALOGUE, "catalogue"),
            described(aside / PARITY, "parity"),
        ),
    )


def _features(*graphs: DeviceGraph | RankGraph) -> Any:
    """Returns source → columns that any of the graphs reads, each checked by reading it as recsmith does."""
    found: dict[str, dict[str, ColumnSpec]] = {}
    for graph in graphs:
        for source, space in graph.features().items():
            columns = found.setdefault(source, {})
            for column in FeatureSpace.of_dict(space).columns:  # type: ignore[arg-type]
                if column.hashes:
                    words = Shown("hashed words")
                    raise InvalidValue(
                        f"{source} {column.name}", "a text whose words the file can name", words
                    )
                told = {k: v for k, v in vars(column).items() if k not in ("hashes", "idf")}
                spec = ColumnSpec.model_validate(told)
                if columns.setdefault(column.name, spec) != spec:
                    got = Shown("two ways")
                    raise InvalidValue(f"{source} {column.name}", "coded in one way by both stages", got)
    return {source: tuple(columns.values()) for source, columns in found.items()}


def _with_files(manifest: Manifest, files: Sequence[FileSpec], *, mismatch: bool) -> Manifest:
    return manifest.model_copy(update={"files": tuple(files), "mismatch_allowed": mismatch})


def about_model(model: Recommender) -> About:
    """Returns what a card can tell of a model without its run."""
    memory = model.memory
    return About(
        n_users=int((memory.histories.lengths > 0).sum()),
        n_events=len(memory.histories.item),
        settings=model.config.model_dump(mode="json", exclude_defaults=True),
    )


def _versions(formats: Sequence[Format]) -> dict[str, str]:
    import recsmith

    packages = ["torch", *(package for one in formats for package in WRITERS[one])]
    found = {"recsmith": recsmith.__version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _said(failed: Sequence[FileSpec]) -> str:
    parts = []
    for spec in failed:
        figures = spec.parity
        assert figures is not None
        parts.append(
            f"{spec.path}: {figures.order_equal} of {figures.n_histories} lists in the same order, "
            f"overlap@{figures.k} {figures.overlap:.3f}, scores {figures.max_score_difference:.2g} apart"
        )
    return (
        f"The bundle's answers must be the model's. Got {'; '.join(parts)}. Nothing was written. "
        "To write it all the same, and say so in the manifest: --allow-mismatch"
    )
