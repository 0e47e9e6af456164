"""Reads a .tflite of TensorFlow's on-device framework as a Recommender, to be judged beside ours.

Inputs are called by name (`context_movie_id` int32 [L], and where the file has them `context_movie_rating`,
`context_movie_genre`, `context_movie_year`), outputs are `top_prediction_ids` and `top_prediction_scores`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from recsmith.config import Config, Run
from recsmith.data import Dataset, Histories, Interactions, Vocabulary
from recsmith.errors import DataError, ModelFileError, RecsmithError, require
from recsmith.models.base import Recommender, State
from recsmith.models.memory import Memory
from recsmith.types import FloatArray

MOVIE_ID, RATING = "context_movie_id", "context_movie_rating"
GENRE, YEAR = "context_movie_genre", "context_movie_year"
IDS, SCORES = "top_prediction_ids", "top_prediction_scores"


@dataclass(frozen=True)
class Movie:
    """Is a line of the vocabulary JSON: the framework writes lists, its app reads objects."""

    id: int
    title: str
    genres: tuple[str, ...]
    count: int
    item_id: int | str
    """The id of the outside world, where the file has another one for itself."""

    @classmethod
    def read(cls, line: Any) -> Self:
        """Reads [id, title, "a|b", count] or {"id", "title", "genres", "count"}; the padding has id 0."""
        if isinstance(line, Mapping):
            named = line
        else:
            named = dict(zip(("id", "title", "genres", "count"), line, strict=False))
        genres = named.get("genres") or ()
        if isinstance(genres, str):
            genres = [genre for genre in genres.split("|") if genre]
        own = int(named["id"])
        title, count = str(named.get("title", "")), int(named.get("count", 0))
        return cls(own, title, tuple(genres), count, named.get("item_id", own))

    @property
    def year(self) -> int:
        """The first four digits in brackets of the title; 0 where there are none."""
        inside = [part.split(")")[0] for part in self.title.split("(")[1:]]
        return next((int(text) for text in inside if len(text) == 4 and text.isdigit()), 0)


def read_movies(file: Path | str) -> list[Movie]:
    """Reads movie_vocab.json or sorted_movie_vocab.json, by id and without the padding."""
    try:
        lines = json.loads(Path(file).read_text(encoding="utf-8"))
        found = [Movie.read(line) for line in lines]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file} must be a vocabulary of movies in JSON. Got: {error!r}.") from error
    return sorted((movie for movie in found if movie.id > 0), key=lambda movie: movie.id)


def load_tf_model(
    tflite: Path | str,
    *,
    vocabulary: Path | str,
    genres: Path | str | None = None,
    years: Path | str | None = None,
    data: Dataset | None = None,
    threads: int = 1,
) -> TfRecommender:
    """Returns the model of a .tflite; `vocabulary` is its movies' JSON, the others are text, a value a line.

    With `data` (a split's train part) it speaks of its users and items, so that `evaluate` takes it; without,
    of the vocabulary's items alone. Raises `ModelFileError` for a file with other inputs or outputs,
    `DataError` for a vocabulary that cannot be read, `MissingExtra` without a LiteRT runtime.
    """
    movies = read_movies(vocabulary)
    lines = {name: _lines(file) for name, file in ((GENRE, genres), (YEAR, years)) if file is not None}
    model = TfRecommender()
    model._memory = Memory.of(data) if data is not None else _memory(movies)
    model._attach(Path(tflite), movies, lines, threads)
    return model


class TfRecommenderConfig(Config):
    """Has no settings: everything is in the file."""


class TfRecommender(Recommender):
    """Recommends what TensorFlow's file lists, in its order; every other item scores -inf.

    It reads the newest events of a history, as it was trained to. It takes no account of what was seen: with
    `exclude_seen` lists are as much shorter than its own as there were seen items among them.
    """

    Config: ClassVar[type[Config]] = TfRecommenderConfig

    def _fit(self, data: Dataset, run: Run) -> None:
        raise RecsmithError(f"{type(self).__name__} must be read by load_tf_model. Got a call of fit.")

    def _state(self) -> Mapping[str, State]:
        raise RecsmithError(
            f"{type(self).__name__} must be copied as the file that it is. Got a call of save."
        )

    def _attach(
        self, file: Path, movies: Sequence[Movie], lines: Mapping[str, list[str]], threads: int
    ) -> None:
        litert = require("ai_edge_litert.interpreter", extra="litert-runtime")
        try:
            # Kept with the runner, which is lost without it.
            self._interpreter = litert.Interpreter(model_path=str(file), num_threads=threads)
            self._lock = threading.Lock()
            self._call = self._interpreter.get_signature_runner()
        except (OSError, ValueError) as error:
            raise ModelFileError(f"{file} must be a .tflite with one signature. Got: {error}") from error
        self._inputs = dict(self._call.get_input_details())
        unknown = sorted(set(self._inputs) - {MOVIE_ID, RATING, GENRE, YEAR})
        if MOVIE_ID not in self._inputs or unknown or {IDS, SCORES} - set(self._call.get_output_details()):
            got = f"{sorted(self._inputs)} → {sorted(self._call.get_output_details())}"
            raise ModelFileError(
                f"{file} must read and give what TensorFlow's sample does, {MOVIE_ID} → {IDS}, {SCORES}. "
                f"Got {got}."
            )
        if GENRE in self._inputs and GENRE not in lines:
            raise ModelFileError(f"genres must be given for a file that reads {GENRE}. Got none.")
        code_of = self.memory.items.encode([movie.item_id for movie in movies])
        n_items = len(self.memory.items)
        self._id_I = np.zeros(n_items + 1, np.int32)  # the last row is padding, and what the file lacks
        self._id_I[code_of] = [movie.id for movie in movies]
        self._id_I[n_items] = 0
        self._code_of_id = np.full(max((movie.id for movie in movies), default=0) + 1, -1, np.int32)
        self._code_of_id[[movie.id for movie in movies]] = code_of
        genre_of = {genre: place for place, genre in enumerate(lines.get(GENRE, []))}
        year_of = {year: place for place, year in enumerate(lines.get(YEAR, []))}
        self._genres = {movie.id: [genre_of.get(genre, 0) for genre in movie.genres] for movie in movies}
        self._years = {
            movie.id: year_of.get(str(movie.year), 0) if year_of else movie.year for movie in movies
        }

    def _score(self, histories: Histories) -> FloatArray:
        n_items = len(self.memory.items)
        score_BI = np.full((len(histories), n_items), -np.inf, np.float32)
        for row in range(len(histories)):
            one = histories.block(row, row + 1)
            known = self._id_I[one.item] > 0
            inputs = self._encoded(self._id_I[one.item[known]], one.weight[known])
            with self._lock:  # an interpreter holds one call at a time, and an LSTM's state from call to call
                self._interpreter.reset_all_variables()
                answer = self._call(**inputs)
            code_K, score_K = self._listed(answer)
            score_BI[row, code_K] = score_K
        return score_BI

    def _listed(self, answer: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Returns codes and scores of a list; equal scores are set apart, for the order is the file's."""
        id_K, score_K = answer[IDS].ravel(), answer[SCORES].ravel().astype(np.float32)
        inside_K = (id_K > 0) & (id_K < len(self._code_of_id))
        code_K = np.where(inside_K, self._code_of_id[np.where(inside_K, id_K, 0)], -1)
        real_K = code_K >= 0  # padding and what the data do not know
        apart = score_K[real_K].copy()
        for place in range(1, len(apart)):
            if apart[place] >= apart[place - 1]:
                apart[place] = np.nextafter(apart[place - 1], np.float32(-np.inf))
        return code_K[real_K], apart

    def _encoded(self, id_n: np.ndarray, weight_n: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the file's inputs of a history, oldest first, zeros behind the last."""
        length = self._length(MOVIE_ID)
        newest, weights = id_n[-length:], weight_n[-length:]
        values: dict[str, Any] = {
            MOVIE_ID: newest,
            RATING: weights,
            YEAR: [self._years[one] for one in newest.tolist()],
            GENRE: [genre for one in newest.tolist() for genre in self._genres[one]],
        }
        found = {}
        for name, detail in self._inputs.items():
            padded = np.zeros(detail["shape"], detail["dtype"])
            some = np.asarray(values[name], detail["dtype"])[: self._length(name)]
            padded.reshape(-1)[: len(some)] = some
            found[name] = padded
        return found

    def _length(self, name: str) -> int:
        return int(np.prod(self._inputs[name]["shape"]))


def _lines(file: Path | str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{file} must be a text file with a value a line. Got: {error}.") from error


def _memory(movies: Sequence[Movie]) -> Memory:
    """Returns what there is to keep: the catalogue, and popularity by the counts of the vocabulary."""
    items = Vocabulary([movie.item_id for movie in movies])
    table = pl.DataFrame(
        {
            "item_id": items.ids,
            "title": [movie.title for movie in movies],
            "genres": pl.Series([list(movie.genres) for movie in movies], dtype=pl.List(pl.String)),
        }
    )
    one = np.zeros(1, np.int32)  # a data set needs an event; it says nothing
    events = Interactions.from_arrays(one, one, None, None)
    nobody = Dataset(events, Vocabulary([0]), items, item_table=table, feedback="implicit", name="vocabulary")
    kept = Memory.of(nobody)
    counts = np.array([movie.count for movie in movies], np.float32)
    empty = Histories(np.zeros(1, np.int64), one[:0], one[:0].astype(np.float32), one[:0])
    return Memory(
        users=Vocabulary(pl.Series([], dtype=pl.Int64)),
        items=kept.items,
        catalogue=kept.catalogue,
        people=pl.DataFrame({"user_id": pl.Series([], dtype=pl.Int64)}),
        histories=empty,
        popularity=counts,
        feedback="ratings",
        weight_range=(1.0, 5.0),
        mean_weight=3.5,
    )
