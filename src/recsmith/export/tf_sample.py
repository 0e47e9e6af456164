"""Writes a model the way TensorFlow's on-device sample app reads it (lite/examples/recommendation, 2021).

A folder of assets: the .tflite with the sample's names and shapes, config.json, the vocabulary JSON and the
genre file. Ids in and out are those of the vocabulary; 0 is padding.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from recsmith.data.feature_space import FeatureSpace
from recsmith.errors import InvalidValue, require
from recsmith.export.flatbuffer import tidy
from recsmith.export.graphs import express
from recsmith.export.graphs.base import DeviceGraph, Input, Recommend
from recsmith.export.litert import EXTRA, ready
from recsmith.export.manifest import Quantize
from recsmith.export.quantize_litert import quantized
from recsmith.export.quiet import quiet
from recsmith.export.runtime_tf import IDS, MOVIE_ID, SCORES
from recsmith.models.base import Recommender
from recsmith.models.memory import Memory
from recsmith.storage import folder_aside

MODEL, CONFIG = "model.tflite", "config.json"
MOVIES, GENRES = "sorted_movie_vocab.json", "movie_genre_vocab.txt"
FAVOURITES = 100
"""Movies that the app offers for choosing: as many can be in a history."""
TOP_K = 10
"""Movies that the app shows."""
_WIDEST = 10  # numbers that may go unused for each item, when the outside world's ids go in as they are


@dataclass(frozen=True)
class Numbers:
    """Says how the sample numbers the catalogue: `of_row` int32 [I], 1 or more.

    The outside world's ids as they are, if they are whole numbers and not too spread; else row + 1.
    """

    of_row: np.ndarray

    @classmethod
    def of(cls, memory: Memory) -> Numbers:
        """Returns the numbers of a model's catalogue."""
        n_items = len(memory.items)
        if memory.items.is_integer:
            ids = memory.items.ids.to_numpy()
            if ids.min() > 0 and ids.max() <= _WIDEST * n_items:
                return cls(ids.astype(np.int32))
        return cls(np.arange(1, n_items + 1, dtype=np.int32))

    @property
    def row_of(self) -> np.ndarray:
        """Rows by number, int32 [largest + 1]; -1 where there is none."""
        rows = np.full(int(self.of_row.max()) + 1, -1, np.int32)
        rows[self.of_row] = np.arange(len(self.of_row))
        return rows

    @property
    def is_row_plus_one(self) -> bool:
        """Whether no table is needed."""
        return bool((self.of_row == np.arange(1, len(self.of_row) + 1)).all())


class TfSample(nn.Module):
    """Is a graph behind the sample's names: one person, no batch, ids of the vocabulary.

    Takes `context_movie_id` int32 [L], oldest first, 0 behind the last; gives `top_prediction_ids` int32 [K]
    and `top_prediction_scores` float32 [K], best first, 0 behind the last. Everything else that the graph
    reads is what a stranger's is, with every movie liked.
    """

    row_of: Tensor
    of_row: Tensor

    def __init__(self, recommend: Recommend, numbers: Numbers, *, liked_weight: float) -> None:
        super().__init__()
        self.recommend, self.plain = recommend, numbers.is_row_plus_one
        self.largest = len(numbers.row_of) - 1
        if not self.plain:
            self.register_buffer("row_of", torch.from_numpy(numbers.row_of))
            of_row = np.append(numbers.of_row, np.int32(0))  # the last one ends a short list
            self.register_buffer("of_row", torch.from_numpy(of_row))
        self.liked_weight = liked_weight
        self.given = _of_a_liked_event(recommend.graph, liked_weight)

    def forward(self, context_movie_id: Tensor) -> dict[str, Tensor]:
        """Returns {"top_prediction_ids", "top_prediction_scores"}."""
        id_BL = context_movie_id.unsqueeze(0)
        if self.plain:
            history_BL = id_BL - 1
        else:
            history_BL = self.row_of[torch.where(id_BL <= self.largest, id_BL, 0).clamp(min=0)]
        there_BL = history_BL >= 0
        inputs = {}
        if self.recommend.graph.reads_weight:
            inputs["weight"] = there_BL.to(torch.float32) * self.liked_weight
        for i in self.recommend.graph.extra_inputs:
            inputs[i.name] = self._given(i, there_BL)
        found = self.recommend(history_BL, **inputs)
        item_BK = found["item"]
        if self.plain:
            id_BK = item_BK + 1
        else:
            id_BK = self.of_row[torch.where(item_BK >= 0, item_BK, len(self.of_row) - 1)]
        return {IDS: id_BK.squeeze(0), SCORES: found["score"].squeeze(0)}

    def _given(self, i: Input, there_BL: Tensor) -> Tensor:
        if i.source != "event":
            return i.empty(1)
        value = self.given[i.name]
        there = there_BL.to(value.dtype)
        return there * value if value.dim() == 0 else there.unsqueeze(2) * value


def _of_a_liked_event(graph: DeviceGraph, liked_weight: float) -> dict[str, Tensor]:
    """Returns what goes in of an event of which only the item is known, by the input's name."""
    described: dict[str, Any] = dict(graph.features())
    found = {}
    for i in graph.extra_inputs:
        if i.source == "event":
            space = FeatureSpace.of_dict(described["event"])
            encoded = space.encode(pl.DataFrame({"rating": [float(liked_weight)]}))[str(i.feature)]
            values = encoded.codes[0] if i.part == "codes" else encoded.value
            assert values is not None
            found[i.name] = torch.from_numpy(values) if i.part == "codes" else torch.tensor(float(values[0]))
    return found


def export_tf_sample(
    model: Recommender,
    out: Path | str,
    *,
    k: int = 100,
    context_length: int | None = None,
    quantize: Quantize | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes the assets that the sample app reads into a folder; returns it.

    `context_length` is the length of the input: when not given, as many as can be chosen in the app (100),
    so that the newest choices count; the framework's own files take 10 and the app gives the oldest. Seen
    movies do not come back. Raises `InvalidValue` for a model without a graph, `MissingExtra` without
    litert-torch.
    """
    target = Path(out)
    is_ours = (target / CONFIG).is_file() and (target / MOVIES).is_file()
    if target.exists() and not (overwrite and is_ours) and (target.is_file() or any(target.iterdir())):
        cure = "Add overwrite to replace the sample's assets." if is_ours else ""
        raise InvalidValue("out", "a new folder", str(target), cure)
    with quiet():  # converters warn and chatter when they are imported
        ready()
    graph, memory = express(model), model.memory
    length = context_length or min(graph.history_length, FAVOURITES)
    if not 1 <= length <= graph.history_length:
        raise InvalidValue("context_length", f"between 1 and {graph.history_length}", length)
    recommend = Recommend(graph, torch.from_numpy(memory.popularity), k=k)
    numbers = Numbers.of(memory)
    net = TfSample(recommend, numbers, liked_weight=memory.liked_weight)
    with folder_aside(target) as folder:
        file = _converted(net, folder / MODEL, length, quantize)
        movies = _movies(memory, numbers)
        genres = _genres(movies)
        (folder / MOVIES).write_text(_json(movies), encoding="utf-8")
        (folder / GENRES).write_text("".join(f"{genre}\n" for genre in genres), encoding="utf-8")
        config = _config(file, length=length, k=recommend.k)
        (folder / CONFIG).write_text(_json(config), encoding="utf-8")
    return target


def _converted(net: TfSample, file: Path, length: int, quantize: Quantize | None) -> Path:
    litert_torch: Any = require("litert_torch", extra=EXTRA)
    sample = {MOVIE_ID: torch.zeros(length, dtype=torch.int32)}
    with quiet():
        litert_torch.signature("serving_default", net.eval(), sample_kwargs=sample).convert().export(
            str(file)
        )
        if quantize is not None:
            quantized(file, quantize).replace(file)
    tidy(file)
    return file


def _config(file: Path, *, length: int, k: int) -> dict[str, Any]:
    """Returns config.json: the app calls inputs and outputs by their place in the file."""
    litert = require("ai_edge_litert.interpreter", extra="litert-runtime")
    interpreter = litert.Interpreter(model_path=str(file))
    call = interpreter.get_signature_runner("serving_default")
    places = [detail["index"] for detail in interpreter.get_output_details()]
    at = {name: places.index(detail["index"]) for name, detail in call.get_output_details().items()}
    return {
        "model": file.name,
        "inputs": [{"name": "movieFeature", "index": 0, "inputLength": length}],
        "outputLength": k,
        "topK": TOP_K,
        "movieList": MOVIES,
        "genreList": None,  # genres are looked up in the graph, by movie
        "pad": 0,
        "unknownGenre": 0,
        "outputIdsIndex": at[IDS],
        "outputScoresIndex": at[SCORES],
        "favoriteListSize": FAVOURITES,
    }


def _movies(memory: Memory, numbers: Numbers) -> list[dict[str, Any]]:
    """Returns the vocabulary, most taken first, as the app's list shows them; `item_id` is ours alone."""
    table = memory.catalogue
    genres = _lists(table["genres"]) if "genres" in table.columns else [[] for _ in range(len(table))]
    titles = table["title"].cast(pl.String).fill_null("").to_list()
    ids = memory.items.ids.to_list()
    order = np.argsort(-memory.popularity, kind="stable")
    return [
        {
            "id": int(numbers.of_row[row]),
            "title": titles[row],
            "genres": genres[row],
            "count": int(memory.popularity[row]),
            "item_id": ids[row],
        }
        for row in order.tolist()
    ]


def _lists(cells: pl.Series) -> list[list[str]]:
    if isinstance(cells.dtype, pl.List):
        return cells.cast(pl.List(pl.String)).fill_null([]).to_list()
    return [[genre for genre in cell.split("|") if genre] for cell in cells.cast(pl.String).fill_null("")]


def _genres(movies: list[dict[str, Any]]) -> list[str]:
    """Returns the genres by how many movies have them, after the unknown one."""
    counts: dict[str, int] = {}
    for movie in movies:
        for genre in movie["genres"]:
            counts[genre] = counts.get(genre, 0) + 1
    return ["UNK", *sorted(counts, key=lambda genre: (-counts[genre], genre))]


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
