"""What `recsmith export` does: the model of a run, or of a model folder, to a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from recsmith.errors import InvalidValue
from recsmith.export.card import MOVIELENS_TERMS, About
from recsmith.export.manifest import Format, Quantize
from recsmith.models import Recommender, load
from recsmith.runs import files
from recsmith.runs.folder import open_run

if TYPE_CHECKING:
    from recsmith.export.bundle import Bundle

_MODEL = "model.json"


def export_run(
    run: str | Path,
    out: str | Path,
    *,
    formats: str = "litert",
    quantize: Quantize | None = None,
    name: str | None = None,
    top_k: int = 100,
    allow_mismatch: bool = False,
    overwrite: bool = False,
    model_class: type[Recommender] | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> Bundle:
    """Exports the model of a run folder or model folder; see `recsmith.export.export_model`.

    `formats` is one of them, several with commas between, or all: those whose exporters are installed.
    """
    from recsmith.export.make import export_model

    if quantize is not None and quantize not in get_args(Quantize):
        raise InvalidValue("quantize", "fp16 or int8", quantize)
    wanted = _formats(formats, say)
    model = model_of(run, model_class=model_class)
    return export_model(
        model,
        out,
        formats=wanted,
        quantize=quantize,
        name=name or Path(run).resolve().name,
        k=top_k,
        allow_mismatch=allow_mismatch,
        overwrite=overwrite,
        about=about(run, model),
        say=say,
    )


def export_sample(
    run: str | Path,
    out: str | Path,
    *,
    formats: str = "litert",
    quantize: Quantize | None = None,
    top_k: int = 100,
    overwrite: bool = False,
    model_class: type[Recommender] | None = None,
) -> Path:
    """Writes the model as TensorFlow's sample app reads it; see `recsmith.export.tf_sample`."""
    from recsmith.export.tf_sample import export_tf_sample

    if formats != "litert":
        raise InvalidValue("format", "litert with --tf-sample-layout", formats)
    if quantize is not None and quantize not in get_args(Quantize):
        raise InvalidValue("quantize", "fp16 or int8", quantize)
    model = model_of(run, model_class=model_class)
    return export_tf_sample(model, out, k=top_k, quantize=quantize, overwrite=overwrite)


def about(run: str | Path, model: Recommender) -> About:
    """Returns what a bundle's card tells of the training."""
    from recsmith.export.make import about_model

    known = about_model(model)
    if (Path(run) / _MODEL).is_file():
        return known
    folder = open_run(run)
    recipe = folder.recipe.data
    is_movielens = recipe.source == "movielens"
    return replace(
        known,
        data=f"MovieLens {getattr(recipe, 'size', '')}".strip() if is_movielens else recipe.source,
        terms=MOVIELENS_TERMS if is_movielens else None,
        recipe=(folder.path / files.RECIPE).read_text(encoding="utf-8"),
        split=folder.evaluation.split_rule if folder.metrics else None,
        metrics=folder.metrics,
    )


def model_of(run: str | Path, *, model_class: type[Recommender] | None = None) -> Recommender:
    """Returns the model of a run folder, or of a folder that `save` wrote."""
    if (Path(run) / _MODEL).is_file():
        return load(run, model_class=model_class)
    return open_run(run).model(model_class=model_class)


def _formats(words: str, say: Callable[[str], None]) -> tuple[Format, ...]:
    known = get_args(Format)
    if words != "all":
        wanted = tuple(word.strip() for word in words.split(","))
        for word in wanted:
            if word not in known:
                raise InvalidValue("format", f"{', '.join(known)} or all", word)
        return wanted  # type: ignore[return-value]
    from recsmith.export.make import missing

    absent = missing()
    for format, error in absent.items():
        say(f"Left out {format}: {error}")
    found = tuple(format for format in known if format not in absent)
    if not found:
        raise next(iter(absent.values()))
    return found
