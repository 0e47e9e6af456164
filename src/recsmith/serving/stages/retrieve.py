"""Where candidates come from: the model, items like the recent ones, items it never saw, what is popular."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import sparse

from recsmith.data import Histories
from recsmith.kernels.topk import top_k
from recsmith.models.capabilities import HasVectors, Shortlists, SimilarItems
from recsmith.models.scoring import block_rows
from recsmith.serving.stages.base import Work
from recsmith.serving.world import World

MODEL, SIMILAR, NEW, POPULAR = "model", "similar", "new", "popular"


def retrieve(world: World, works: Sequence[Work]) -> None:
    """Gives each request candidates of all sources, mixed by their shares."""
    for work, (place, score) in zip(works, from_model(world, works), strict=True):
        settings = work.request.settings
        source = POPULAR if world.model.needs_history and work.request.histories.cold.any() else MODEL
        work.fallback = "" if source == MODEL else "no history: popular items"
        taken = (place, score, np.full(len(place), source))
        for share, name, find in (
            (settings.similar_share, SIMILAR, similar_to_recent),
            (settings.new_share, NEW, never_seen),
        ):
            if share > 0:
                found, alike = find(world, work)
                taken = mixed(taken, (found, alike, np.full(len(found), name)), share=share)
        work.place, work.score, work.source = taken


def from_model(world: World, works: Sequence[Work]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the model's candidates of each request, scored in blocks that bound the memory.

    A person without history gets popular items. A model that scores a short list is asked for that alone:
    a row as long as the catalogue is then never made.
    """
    n_model = world.catalogue.n_model
    model = world.model
    if isinstance(model, Shortlists) and not any(work.request.histories.cold.any() for work in works):
        return [shortlisted(model, work, n_model) for work in works]
    found: list[tuple[np.ndarray, np.ndarray]] = []
    at_once = block_rows(n_model)
    for start in range(0, len(works), at_once):
        some = works[start : start + at_once]
        rows = joined([work.request.histories for work in some])
        scores = world.model._scorer(exclude_seen=False, unknown="popular", allowed=None).rows(rows)
        for row, work in enumerate(some):
            assert work.allowed is not None
            scores[row, ~work.allowed[:n_model]] = -np.inf
        depth = max(max(w.request.k, w.request.settings.n_candidates) for w in some)
        code_BK, best_BK = top_k(scores, min(depth, n_model))
        for row, work in enumerate(some):
            wanted = max(work.request.k, work.request.settings.n_candidates)
            kept = code_BK[row] >= 0
            found.append((code_BK[row][kept][:wanted], best_BK[row][kept][:wanted]))
    return found


def shortlisted(model: Shortlists, work: Work, n_model: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the allowed items of a model's short list, best first, equal scores by code."""
    assert work.allowed is not None
    code_1N, score_1N = model._shortlist(work.request.histories)
    code_N, score_N = code_1N[0], np.asarray(score_1N[0], np.float32)
    kept = np.flatnonzero((code_N >= 0) & (score_N > -np.inf))
    kept = kept[work.allowed[:n_model][code_N[kept]]]
    wanted = max(work.request.k, work.request.settings.n_candidates)
    order = kept[np.lexsort((code_N[kept], -score_N[kept]))][:wanted]
    return code_N[order].astype(np.int32), score_N[order]


def similar_to_recent(world: World, work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Returns the items most like the newest of the history, by the model if it can tell, else by words."""
    recent = np.unique(work.request.histories.item[-work.request.settings.n_recent :])
    if not len(recent):
        return _NOTHING
    n_model = world.catalogue.n_model
    if isinstance(world.model, SimilarItems):
        alike = np.array(world.model._similar(recent.astype(np.int32)), np.float32).max(axis=0)
    else:
        rows = world.catalogue.words
        alike = np.asarray((rows[:n_model] @ rows[recent].T).max(axis=1).todense(), np.float32).ravel()
    assert work.allowed is not None
    alike[~work.allowed[:n_model]] = -np.inf
    alike[recent] = -np.inf
    return _best(alike, work.request.k, 0)


def never_seen(world: World, work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Returns items that the model never saw: by its item tower, then by words those it knows nothing of."""
    catalogue = world.catalogue
    if len(catalogue) == catalogue.n_model:
        return _NOTHING
    vectors, row = world.new_vectors, work.request.histories
    if vectors is None or row.cold.any() or not isinstance(world.model, HasVectors):
        return by_words(world, work)
    assert work.allowed is not None
    vector_nD, told_n = vectors
    score_n = (world.model._user_vectors(row) @ vector_nD.T)[0].astype(np.float32)
    score_n[~told_n | ~work.allowed[catalogue.n_model :]] = -np.inf
    place, score = _best(score_n, work.request.k, catalogue.n_model)
    others, alike = by_words(world, work)
    untold = ~told_n[others - catalogue.n_model]
    return np.concatenate([place, others[untold]]), np.concatenate([score, alike[untold]])


def by_words(world: World, work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Returns items that the model never saw, by how near their words are to those of the history."""
    catalogue, seen = world.catalogue, work.request.seen
    if not len(seen):
        return _NOTHING
    assert work.allowed is not None
    ones = np.ones(len(seen), np.float32)
    taken_1n = sparse.csr_matrix((ones, seen, [0, len(seen)]), shape=(1, len(catalogue)))
    profile_1T = taken_1n @ catalogue.words  # stays sparse: T is a hundred thousand and more
    alike = np.asarray((catalogue.new_words @ profile_1T.T).todense(), np.float32).ravel()
    alike /= max(float(np.linalg.norm(profile_1T.data)), 1e-12)
    alike[(alike <= 0) | ~work.allowed[catalogue.n_model :]] = -np.inf
    return _best(alike, work.request.k, catalogue.n_model)


def mixed(
    first: tuple[np.ndarray, np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    share: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns both lists as one: item n of the second stands at place n / share; no item comes twice.

    The score of a guest is that of its neighbour above, so that later stages leave it where it stands.
    """
    places, scores, sources = (list(part) for part in first)
    there = set(places)
    step = 1 / share
    for n, (place, source) in enumerate(zip(second[0], second[2], strict=True), start=1):
        at = min(round(n * step) - 1, len(places))
        if place in there:
            continue
        there.add(place)
        scores.insert(at, scores[at - 1] if at else (scores[0] if scores else np.float32(0)))
        places.insert(at, place)
        sources.insert(at, source)
    return np.array(places, np.int32), np.array(scores, np.float32), np.array(sources, "U8")


def joined(rows: Sequence[Histories]) -> Histories:
    """Returns histories of one row each as one block."""
    lengths = [len(row.item) for row in rows]
    times, asked = [row.time for row in rows], [row.asked for row in rows]
    told = next((row.people for row in rows if row.people is not None), None)
    people = [
        pl.DataFrame({name: [None] * len(row) for name in told.columns}, schema=told.schema)
        if row.people is None and told is not None
        else row.people
        for row in rows
    ]
    return Histories(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([row.item for row in rows]),
        np.concatenate([row.weight for row in rows]),
        np.concatenate([row.user for row in rows]),
        None if any(t is None for t in times) else np.concatenate(times),  # type: ignore[arg-type]
        None if told is None else pl.concat(people),  # type: ignore[type-var]
        None if any(t is None for t in asked) else np.concatenate(asked),  # type: ignore[arg-type]
    )


def _best(score_n: np.ndarray, k: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
    code_BK, best_BK = top_k(score_n[None, :], min(k, len(score_n)))
    kept = code_BK[0] >= 0
    return code_BK[0][kept] + np.int32(offset), best_BK[0][kept]


_NOTHING = (np.zeros(0, np.int32), np.zeros(0, np.float32))
