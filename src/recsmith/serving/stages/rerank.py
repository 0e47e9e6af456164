"""Re-ranks the best candidates: fresher, calibrated to the person's taste, less alike, capped by category.

MMR: Carbonell and Goldstein, SIGIR 1998. DPP: Chen, Zhang and Zhou, NeurIPS 2018 (greedy MAP). Calibration:
Steck, RecSys 2018.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from recsmith.serving.stages.base import Work
from recsmith.serving.world import World

_DAY = 86_400_000
_DEPTH = 4
"""So many times k candidates are looked at for a list of k."""


def rerank(world: World, works: Sequence[Work]) -> None:
    """Cuts each request's candidates to its k, in the order that its settings ask for."""
    for work in works:
        settings, k = work.request.settings, work.request.k
        if settings.freshness > 0:
            freshen(world, work)
        if settings.calibration > 0:
            work.keep(calibrated(world, work))
        if settings.diversity > 0:
            work.keep(diverse(world, work))
        if settings.per_category is not None:
            work.keep(capped(world, work, most=settings.per_category))
        if settings.explore > 0:
            explored(work)
        work.keep(np.arange(min(k, len(work.place))))


def freshen(world: World, work: Work) -> None:
    """Orders by (1 − f) · relevance + f · 2^(−age / half-life), both in 0..1."""
    settings, now = work.request.settings, work.request.now
    age = np.maximum(now - world.catalogue.created[work.place], 0) / (_DAY * settings.freshness_days)
    mixed = (1 - settings.freshness) * relevance(work.score) + settings.freshness * 2.0**-age
    work.keep(np.lexsort((work.place, -mixed)))


def diverse(world: World, work: Work) -> np.ndarray:
    """Returns the order that MMR or a DPP gives the first of the candidates."""
    settings, k = work.request.settings, work.request.k
    near = np.arange(min(_DEPTH * k, len(work.place)))
    alike = world.likeness(work.place[near])
    quality = relevance(work.score[near])
    order = (
        dpp(quality, alike, k, settings.diversity)
        if settings.method == "dpp"
        else mmr(quality, alike, k, settings.diversity)
    )
    return order


def mmr(quality_n: np.ndarray, alike_nn: np.ndarray, k: int, diversity: float) -> np.ndarray:
    """Takes greedily the item of highest (1 − λ) · relevance − λ · likeness to the nearest taken. O(k n)."""
    n = len(quality_n)
    nearest_n = np.zeros(n)
    left_n = np.ones(n, bool)
    chosen = []
    for _ in range(min(k, n)):
        value_n = np.where(left_n, (1 - diversity) * quality_n - diversity * nearest_n, -np.inf)
        best = int(np.argmax(value_n))
        chosen.append(best)
        left_n[best] = False
        nearest_n = np.maximum(nearest_n, alike_nn[best])
    return np.array(chosen, np.int64)


def dpp(quality_n: np.ndarray, alike_nn: np.ndarray, k: int, diversity: float) -> np.ndarray:
    """Takes greedily the item that adds most to log det of L = q S q, by an incremental Cholesky. O(k² n).

    q = exp(a · relevance) with a = (1 − λ) / 2λ, so that λ = 1 looks at likeness alone.
    """
    n = len(quality_n)
    q = np.exp(
        np.clip((1 - diversity) / (2 * max(diversity, 1e-6)), 0, 50) * (quality_n - quality_n.max(initial=0))
    )
    kernel = q[:, None] * (alike_nn * 0.99 + 0.01 * np.eye(n)) * q[None, :]
    gain_n = np.diag(kernel).astype(np.float64).copy()
    row_Kn = np.zeros((min(k, n), n))
    chosen: list[int] = []
    for step in range(min(k, n)):
        best = int(np.argmax(gain_n))
        if not gain_n[best] > 0:
            rest = [i for i in np.argsort(-quality_n, kind="stable") if i not in set(chosen)]
            return np.array((chosen + rest)[: min(k, n)], np.int64)
        row = (kernel[best] - row_Kn[:step, best] @ row_Kn[:step]) / np.sqrt(gain_n[best])
        row_Kn[step] = row
        gain_n = gain_n - row**2
        gain_n[best] = -np.inf
        chosen.append(best)
    return np.array(chosen, np.int64)


def calibrated(world: World, work: Work) -> np.ndarray:
    """Returns the greedy order by (1 − λ) · relevance − λ · KL(history's categories ‖ list's)."""
    settings, k = work.request.settings, work.request.k
    catalogue = world.catalogue
    wanted = shares([catalogue.categories[place] for place in work.request.seen])
    if not wanted:
        return np.arange(len(work.place))
    near = min(_DEPTH * k, len(work.place))
    quality = relevance(work.score[:near])
    names = [catalogue.categories[place] for place in work.place[:near]]
    taken: Counter[str] = Counter()
    chosen: list[int] = []
    left = list(range(near))
    for _ in range(min(k, near)):
        best, value = -1, -np.inf
        for at in left:
            trial = taken + _parts(names[at])
            gain = (1 - settings.calibration) * quality[at] - settings.calibration * divergence(wanted, trial)
            if gain > value:
                best, value = at, gain
        taken += _parts(names[best])
        chosen.append(best)
        left.remove(best)
    return np.array(chosen + left + list(range(near, len(work.place))), np.int64)


def divergence(wanted: Mapping[str, float], taken: Mapping[str, float]) -> float:
    """Returns KL(p ‖ .99 q + .01 p), q the shares of what was taken."""
    total = sum(taken.values()) or 1.0
    return float(
        sum(p * np.log(p / (0.99 * taken.get(name, 0.0) / total + 0.01 * p)) for name, p in wanted.items())
    )


def shares(names: Sequence[Sequence[str]]) -> dict[str, float]:
    """Returns the share of each category, an item counting as one over all of its own."""
    total: Counter[str] = Counter()
    for each in names:
        total += _parts(each)
    whole = sum(total.values())
    return {name: count / whole for name, count in total.items()} if whole else {}


def capped(world: World, work: Work, *, most: int) -> np.ndarray:
    """Returns the candidates without those whose every category is full already."""
    counts: Counter[str] = Counter()
    chosen = []
    for at, place in enumerate(work.place):
        names = world.catalogue.categories[place]
        if names and any(counts[name] >= most for name in names):
            continue
        counts.update(names)
        chosen.append(at)
        if len(chosen) == work.request.k:
            break
    return np.array(chosen, np.int64)


def explored(work: Work, drawn: np.random.Generator | None = None) -> None:
    """Draws the order of the nearest candidates without replacement (Plackett and Luce), and keeps the chance
    of the first."""
    settings, k = work.request.settings, work.request.k
    near = min(_DEPTH * k, len(work.place))
    if not near:
        return
    weight = relevance(work.score[:near]) / settings.explore
    log_chance = weight - np.logaddexp.reduce(weight)
    noise = (drawn or np.random.default_rng()).gumbel(size=near)
    order = np.argsort(-(log_chance + noise), kind="stable")
    work.chance, work.first_rank = float(np.exp(log_chance[order[0]])), int(order[0]) + 1
    work.keep(order)


def relevance(score_n: np.ndarray) -> np.ndarray:
    """Returns scores brought to 0..1: the best 1, the last of the candidates 0."""
    if not len(score_n):
        return score_n.astype(np.float64)
    low, high = float(score_n.min()), float(score_n.max())
    return (score_n.astype(np.float64) - low) / (high - low) if high > low else np.ones(len(score_n))


def _parts(names: Sequence[str]) -> Counter[str]:
    part: Counter[str] = Counter()
    for name in names:
        part[name] += 1 / len(names)  # type: ignore[assignment]
    return part
