"""FactorizationMachine: every pair of an event's features has a weight, the product of two vectors. Rendle,
Factorization machines, ICDM 2010; Factorization machines with libFM, TIST 2012."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsmith.config import Run
from recsmith.config.space import Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.data.feature_space import Column
from recsmith.data.sources.libfm import FeatureTable
from recsmith.errors import Diverged, InvalidValue, Shown
from recsmith.kernels.fm_rows import EXACT, LEVELS, LOGISTIC
from recsmith.models.base import State
from recsmith.models.capabilities import PredictsInTime, SimilarItems
from recsmith.models.factorization.fm_design import Design, FeaturesConfig, Rows
from recsmith.models.factorization.fm_learn import (
    Chain,
    Coordinates,
    Descent,
    LearningConfig,
    Problem,
    first_chain,
    with_ends,
)
from recsmith.models.factorization.fm_sides import Samples, Scores
from recsmith.models.factorization.fm_task import Task
from recsmith.models.factorization.shared import resumed
from recsmith.models.gigabytes import ask_for
from recsmith.models.memory import History
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray, Id

_CURRENT = (
    "current_KP",
    "current",
    "current_cut_2C",
    "current_mean_KG",
    "current_error_N",
    "current_latent_N",
)
_SAMPLED = (
    "parameter_PSK",
    "constant_S",
    "noise_precision_S",
    "cut_SC",
    "prior_mean_SK",
    "prior_precision_SK",
)


class FactorizationMachineConfig(FeaturesConfig, LearningConfig):
    """Says what is fitted, from which features, and how."""

    search_space: ClassVar[SearchSpace] = {"embedding_dim": Range(4, 64, log=True)}


class FactorizationMachine(PredictsInTime, SimilarItems):
    """Predicts ratings, likes or stars from any features of user, item and time; recommends by ŷ.

    Users and items are relation blocks: a sweep costs O((events·blocks + entries of the blocks)·D), however
    many features they have. A stranger with a history gets a column of their own, fitted to it while all else
    stays, for each sample; a person or item without events is told by their features. The score is the mean
    of ŷ over the samples, a prediction that of what ŷ means. The learning curve holds the RMSE, or the mean
    log loss, before each sweep. Threads change no bit of the result.
    """

    Config = FactorizationMachineConfig
    config: FactorizationMachineConfig
    state_names = (
        *_SAMPLED,
        "level_L",
        "day_d",
        "user_day_k",
        "user_run_k",
        "item_period_k",
        *_CURRENT,
    )
    parameter_PSK: np.ndarray
    level_L: np.ndarray
    """What levels, 0 and 1, or standardised weights stand for: the weights; (0, 1); or (mean, deviation)."""

    # Learning ----------------------------------------------------------------------------------------

    def _fit(self, data: Dataset, run: Run) -> None:
        settings = self.config
        self._take(Design.learn(data, self.memory, settings))
        problem = self._problem(data)
        chain = self._start(problem, run)
        kept = settings.kept_sweeps
        self._make_room(chain, len(kept), run)
        if run.state is None:
            self._keep(0, chain)
        self._note(chain)
        learner = Descent(problem, chain) if settings.method == "sgd" else Coordinates(problem, chain)
        for epoch in run.epochs(settings.n_epochs, "FactorizationMachine"):
            try:
                loss = self._epoch(learner, epoch, run)
            except Diverged:
                self._trim(1)
                raise
            run.log(**{"RMSE" if problem.target.kind == EXACT else "loss": loss})
            self._note(chain)
            if epoch <= kept[0]:  # what is there before the first sample is kept is better than nothing
                self._keep(0, chain)
            elif epoch in kept:
                self._keep(int(np.searchsorted(kept, epoch)), chain)
        if not run.interrupted:  # then nobody goes on from here, and the events need not be kept
            self.current_error_N = self.current_latent_N = np.zeros(0)
        done = settings.n_epochs if not run.interrupted else epoch + 1
        self._trim(max(int(np.sum(kept < done)), 1))

    def _take(self, design: Design) -> None:
        """Sets what the design says; people without history are scored where they have features."""
        self._design = design
        self._made: Scores | None = None
        self.day_d, self.item_period_k = design.day_d, design.item_period_k
        self.user_day_k, self.user_run_k = design.user_day_k, design.user_run_k
        self.needs_history = not design.users.columns  # type: ignore[misc]

    def _problem(self, data: Dataset) -> Problem:
        weight = data.interactions.weight
        self._task = self.config.learn_task(weight)
        self.level_L = self._task.level_L
        target = self._task.target(weight)
        found = self._rows(data, target.event_n)
        matrices, index = [rows.matrix for rows in found], [rows.index_n for rows in found]
        return Problem.of(matrices, index, target, self._design.groups)

    def _rows(self, data: Dataset, event_n: np.ndarray) -> list[Rows]:
        """Returns the blocks' rows of some events."""
        events, design, everybody = data.interactions, self._design, data.histories()
        user, item = events.user[event_n], events.item[event_n]
        time = np.full(len(user), design.newest) if events.time is None else events.time[event_n]
        return [
            Rows(design.of_users(everybody), user),
            Rows(design.of_items(), item),
            *design.of_moments(user, design.mean_days(everybody)[user], time),
            *design.of_periods(item, time),
        ]

    def table(self, data: Dataset) -> FeatureTable:
        """Returns the events of the training set as rows of features, as `write_libfm` takes them.

        `column_groups` says what the columns are. Raises `InvalidValue` for data in another vocabulary.
        """
        if data.users != self.memory.users or data.items != self.memory.items:
            got = Shown(f"{data.n_users:,} users and {data.n_items:,} items")
            raise InvalidValue("data", "the people and items that the model was fitted on", got)
        found = self._rows(data, np.arange(len(data)))
        flat = sparse.csr_matrix(sum(rows.matrix[rows.index_n] for rows in found))
        return FeatureTable(data.interactions.weight.astype(np.float64), flat)

    @property
    def column_groups(self) -> dict[str, tuple[int, int]]:
        """Name → first column and the one behind the last of each group that shares a prior."""
        return {group.name: (group.start, group.stop) for group in self._design.groups}

    def _start(self, problem: Problem, run: Run) -> Chain:
        chain = first_chain(problem, self.config, generator(run.seed, "factorization machine"))
        if run.state is not None:
            chain.parameter_KP = resumed(run, "current_KP", chain.parameter_KP.shape)
            chain.constant, chain.noise_precision = map(float, run.state["current"])
            chain.cut_C, chain.mode_C = np.array(run.state["current_cut_2C"])
            chain.mean_KG = np.array(run.state["current_mean_KG"])
            chain.error_N = np.array(run.state["current_error_N"])
            chain.latent_N = np.array(run.state["current_latent_N"])
        return chain

    def _note(self, chain: Chain) -> None:
        """Shows where learning is, to go on from."""
        self.current_KP, self.current_mean_KG = chain.parameter_KP, chain.mean_KG
        self.current = np.array([chain.constant, chain.noise_precision])
        self.current_cut_2C = np.stack([chain.cut_C, chain.mode_C])
        self.current_error_N, self.current_latent_N = chain.error_N, chain.latent_N

    def _make_room(self, chain: Chain, n_samples: int, run: Run) -> None:
        n_keys, n_columns = chain.parameter_KP.shape
        ask_for(
            4e-9 * n_samples * n_keys * n_columns,
            name="FactorizationMachine",
            shape=f"{n_samples} samples of {n_keys} numbers for {n_columns:,} columns",
            cure="Lower n_samples or embedding_dim, or leave features out.",
        )
        self.parameter_PSK = np.zeros((n_columns, n_samples, n_keys), np.float32)
        self.constant_S, self.noise_precision_S = np.zeros(n_samples), np.ones(n_samples)
        self.cut_SC = np.tile(with_ends(chain.cut_C), (n_samples, 1))
        self.prior_mean_SK = np.zeros((n_samples, n_keys))
        self.prior_precision_SK = np.ones((n_samples, n_keys))
        if run.state is not None:  # the samples kept so far
            so_far = min(n_samples, len(run.state["constant_S"]))
            self.parameter_PSK[:, :so_far] = run.state["parameter_PSK"][:, :so_far]
            for name in _SAMPLED[1:]:
                getattr(self, name)[:so_far] = run.state[name][:so_far]

    def _epoch(self, learner: Coordinates | Descent, epoch: int, run: Run) -> float:
        """Makes one sweep or pass; returns the RMSE in units of the weight, or the mean log loss."""
        settings = self.config
        draws = generator(run.seed, "factorization machine", epoch)
        if isinstance(learner, Coordinates):
            loss = learner.step(draws if settings.method == "gibbs" else None)
        else:
            loss = learner.epoch(draws, epoch, settings)
        return float(np.sqrt(loss) * self.level_L[1]) if settings.task == "rating" else loss

    def _keep(self, place: int, chain: Chain) -> None:
        """Keeps the parameters as sample `place`, rounded as the file has them."""
        self.parameter_PSK[:, place] = chain.parameter_KP.T.astype(np.float16)
        self.constant_S[place], self.noise_precision_S[place] = chain.constant, chain.noise_precision
        self.cut_SC[place] = with_ends(chain.cut_C)
        if self.config.user_id:
            g = self._design.groups.index(self._design.group("user id"))
            self.prior_mean_SK[place] = chain.mean_KG[:, g]
            self.prior_precision_SK[place] = np.maximum(chain.precision_KG[:, g], 1e-6)

    def _trim(self, n_samples: int) -> None:
        """Leaves the samples that there are, when epochs ended early."""
        self.parameter_PSK = np.ascontiguousarray(self.parameter_PSK[:, :n_samples])
        for name in _SAMPLED[1:]:
            setattr(self, name, getattr(self, name)[:n_samples])

    # Predicting --------------------------------------------------------------------------------------

    @property
    def _scores(self) -> Scores:
        if self._made is None:
            samples = Samples(
                self.parameter_PSK,
                self.constant_S,
                self.noise_precision_S,
                self.cut_SC,
                self.prior_mean_SK,
                self.prior_precision_SK,
            )
            self._made = Scores(self._design, samples, self._task, self.config.method == "sgd")
        return self._made

    def _score(self, histories: Histories) -> FloatArray:
        scores, n_items = self._scores, len(self.memory.items)
        time_B = scores.request_times(histories)
        everybody = np.arange(len(histories))
        people = scores.at(scores.people(histories), histories, everybody, time_B).side
        score_BI = np.empty((len(histories), n_items), np.float32)
        period_B = self._design.period(time_B)
        for period in np.unique(period_B):
            rows = np.flatnonzero(period_B == period)
            things = scores.things(np.arange(n_items), np.full(n_items, time_B[rows[0]])).side
            some = people.take(rows)
            product_BI = some.flat_RE @ things.flat_RE.T
            product_BI /= np.float32(len(self.constant_S))
            product_BI += some.bias_RS.mean(axis=1)[:, None] + things.bias_RS.mean(axis=1)
            score_BI[rows] = product_BI + np.float32(self.constant_S.mean())
        score_BI[:, self._untold] = -np.inf
        return score_BI

    def _score_some(self, histories: Histories, item_code_BN: CodeArray) -> FloatArray:
        row_n, item_n = np.repeat(np.arange(len(histories)), item_code_BN.shape[1]), item_code_BN.ravel()
        parts = self._fitted(histories, row_n, item_n, None)
        means = [part_nS.mean(axis=1, dtype=np.float64).astype(np.float32) for part_nS in parts]
        score_n: FloatArray = np.concatenate([np.zeros(0, np.float32), *means])
        score_n[self._untold[item_n]] = -np.inf
        return score_n.reshape(item_code_BN.shape)

    def _predict_at(
        self, histories: Histories, row_n: np.ndarray, item_n: CodeArray, time_n: np.ndarray | None
    ) -> FloatArray:
        """Returns the expected weight within the scale, or the probability of a like."""
        return self._moments(histories, row_n, item_n, time_n)[0].astype(np.float32)

    @property
    def reads_time(self) -> bool:
        """Whether a prediction hangs on when it is for."""
        return bool(self.config.time)

    def _person_columns(self) -> tuple[Column, ...]:
        return self._design.users.columns

    def _reads_request_time(self) -> bool:
        return self.reads_time

    def predict_with_deviation(
        self,
        users: Sequence[Id] | None,
        item_ids: Sequence[Id],
        *,
        histories: Sequence[History] | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Returns the predicted weight of each pair, and the standard deviation of the weight around it.

        The deviation has both parts: how far the samples disagree, and the noise of a weight itself. ALS and
        descent have one sample, and take their last training error for the noise, which is too little.
        """
        _, rows, _ = self._people(users, histories)
        if len(item_ids) != len(rows):
            raise InvalidValue("item_ids", f"{len(rows)} long, one for each person", len(item_ids))
        mean_n, square_n = self._moments(rows, np.arange(len(rows)), self.item_codes(item_ids), None)
        deviation_n = np.sqrt(np.maximum(square_n - mean_n**2, 0))
        return mean_n.astype(np.float32), deviation_n.astype(np.float32)

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        """Returns the mean over the samples of the cosine of the items' vectors."""
        vector_ISD = self._scores.items.vector_RSD
        length_IS = np.linalg.norm(vector_ISD, axis=2, keepdims=True)
        flat_IE = (vector_ISD / np.where(length_IS == 0, 1, length_IS)).reshape(len(vector_ISD), -1)
        cosine_BI: FloatArray = (flat_IE[item_codes] @ flat_IE.T).astype(np.float32)
        cosine_BI /= np.float32(len(self.constant_S))
        cosine_BI[:, self._untold] = -np.inf
        return cosine_BI

    @property
    def _noise(self) -> float:
        """The variance of a number around what is fitted, in units of the weight."""
        if self.config.task != "rating":
            return 0.0
        if self.config.method != "gibbs":
            curve = self.learning_curve  # empty where the fit diverged
            return float(curve[-1]["RMSE"] if curve else self.level_L[1]) ** 2
        return float(np.mean(self.level_L[1] ** 2 / self.noise_precision_S))

    @property
    def _untold(self) -> np.ndarray:
        """bool[I]: items of which neither an event nor a feature tells anything."""
        return (self.memory.popularity == 0) & (not self._design.items.columns)

    def _fitted(
        self, histories: Histories, row_n: np.ndarray, item_n: np.ndarray, time_n: np.ndarray | None
    ) -> Iterator[FloatArray]:
        scores = self._scores
        people = scores.people(histories)
        when_n = scores.request_times(histories)[row_n] if time_n is None else time_n
        return scores.pairs(people, histories, row_n, item_n, when_n)

    def _moments(
        self, histories: Histories, row_n: np.ndarray, item_n: np.ndarray, time_n: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean and the mean square of each pair's weight over samples and noise, float64 [n]."""
        mean_n, square_n = np.zeros(len(row_n)), np.zeros(len(row_n))
        start = 0
        for part_nS in self._fitted(histories, row_n, item_n, time_n):
            part = slice(start, start + len(part_nS))
            mean_n[part], square_n[part] = self._scores.task.meaning(
                part_nS.astype(np.float64), self.cut_SC, self._noise
            )
            start = part.stop
        if self.config.task == "rating":
            clipped_n = np.clip(mean_n, *self.memory.weight_range)
            return clipped_n, square_n - mean_n**2 + clipped_n**2
        return mean_n, square_n

    # Saving ------------------------------------------------------------------------------------------

    def _state(self) -> Mapping[str, State]:
        return {**super()._state(), "parameter_PSK": self.parameter_PSK.astype(np.float16)}

    def _learned(self) -> dict[str, Any]:
        return self._design.to_dict()

    def _restore(self, arrays: Mapping[str, np.ndarray], learned: Mapping[str, Any]) -> None:
        super()._restore(arrays, learned)
        self.parameter_PSK = self.parameter_PSK.astype(np.float32)
        settings = self.config
        kind = EXACT if settings.task == "rating" else LOGISTIC if settings.method == "sgd" else LEVELS
        self._task = Task(settings.task, kind, self.level_L, settings.like_from, settings.dislike_to)
        self._take(Design.restored(self.config, self.memory, learned, arrays))

    def _forget(self, user_code: int) -> None:
        """Puts the person's columns to what the unknown have, and makes the items' side anew without them."""
        design, gone = self._design, []
        times = {"user_day": design.user_day_k.copy(), "user_run": design.user_run_k.copy()}
        for group in design.groups:
            if group.name in ("user id", "item taken by", "user_drift"):
                gone.append(group.start + user_code)
            elif group.name in times:
                theirs = times[group.name] >> 32 == user_code
                gone += (group.start + np.flatnonzero(theirs)).tolist()
                # The times go too; columns keep their places.
                times[group.name][theirs] = (user_code << 32) + np.arange(theirs.sum())
        design = replace(design, memory=self.memory)
        self._take(replace(design, user_day_k=times["user_day"], user_run_k=times["user_run"]))
        self.parameter_PSK[gone] = 0
        self.current_KP[:, gone] = 0
        if self.config.user_id:
            self.parameter_PSK[design.group("user id").start + user_code] = self.prior_mean_SK
