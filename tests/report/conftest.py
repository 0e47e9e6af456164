"""A small but whole report, made of titles that would break a careless page."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from recsmith.report import (
    Comparison,
    Crosstab,
    Curve,
    DataProfile,
    Environment,
    FeatureCrosses,
    Header,
    ItemMap,
    Leaderboard,
    Liked,
    Page,
    Person,
    Pick,
    Reason,
    Search,
    Tile,
    Timing,
    Trial,
)

HOSTILE = "<script>alert('x')</script>"
CLOSING = '</script><img src="http://example.com/x.png" onerror=alert(1)>'
FORMULA = '=HYPERLINK("http://example.com","click")'


@pytest.fixture
def crosstab() -> Crosstab:
    rng = np.random.default_rng(0)
    actual = rng.integers(1, 6, size=(3, 4)).astype(float)
    actual[0, 1] = np.nan
    return Crosstab(
        user_ids=["7", "=1+1", "u3"],
        titles=[HOSTILE, FORMULA, "Twin", "Twin"],
        actual=actual,
        predicted=rng.uniform(1, 5, size=(3, 4)),
        model="FunkSVD",
        user_factors=rng.normal(size=(3, 2)),
        item_factors=rng.normal(size=(4, 2)),
        user_bias=rng.normal(size=3),
        item_bias=rng.normal(size=4),
        mean=3.5,
    )


@pytest.fixture
def leaderboard() -> Leaderboard:
    def ndcg(value: float) -> dict[str, float | None]:
        return {"value": value, "low": value - 0.02, "high": value + 0.02, "n_users": 10}

    return Leaderboard(
        results={
            "Popular": {"NDCG@10": ndcg(0.10), "Coverage@10": {"value": 0.02}},
            "EASE": {"NDCG@10": ndcg(0.31), "Coverage@10": {"value": 0.20}, "RMSE": {"value": 0.95}},
            HOSTILE: {"NDCG@10": ndcg(0.30), "Coverage@10": {"value": None}, "RMSE": {"value": 0.90}},
        },
        primary="NDCG@10",
        warnings=[f"Seen items were recommended {HOSTILE}."],
        remarks=["2 users left out."],
    )


@pytest.fixture
def profile() -> DataProfile:
    return DataProfile(
        n_users=4,
        n_items=6,
        n_interactions=20,
        item_counts=np.array([10, 5, 3, 1, 1, 0]),
        user_counts=np.array([1, 4, 6, 9]),
        weights={1.0: 2, 4.5: 10, 5.0: 8},
        months={date(2020, 1, 1): 5, date(2020, 4, 1): 15},
        first=datetime(2020, 1, 3, tzinfo=UTC),
        last=datetime(2020, 4, 30, tzinfo=UTC),
        refused={f"rating {HOSTILE} is not a number": 2},
        notes=["Kept the last of 3 duplicates."],
    )


@pytest.fixture
def item_map() -> ItemMap:
    return ItemMap(
        items=pl.DataFrame(
            {
                "x": [0.0, 1.0, 0.5, 0.2],
                "y": [0.0, 1.0, 0.1, 0.9],
                "title": [HOSTILE, CLOSING, "Plain", "Nobody's \u2028 line"],
                "group": ["Drama", "Comedy", "Drama", None],
                "count": [4, 3, 2, 0],
            }
        ),
        model="PureSVD",
        method="First two components",
    )


@pytest.fixture
def search() -> Search:
    def trial(number: int, value: float | None, state: str = "done", **more) -> Trial:
        settings = {"n_neighbours": 10 * number + 1, "kind": [HOSTILE, None, True][number % 3]}
        ends = {} if value is None else {"low": value - 0.01, "high": value + 0.01, "seconds": 1.25}
        return Trial(number=number, state=state, value=value, settings=settings, **ends, **more)

    return Search(
        model=HOSTILE,
        metric="NDCG@10",
        trials=[
            trial(2, 0.30),
            trial(0, 0.25, is_own=True),
            trial(1, 0.21),
            trial(3, None, "pruned"),
            trial(4, None, "failed", note=HOSTILE),
        ],
        settings=["n_neighbours", "kind"],
        ranges={"n_neighbours": True},
        importances={"kind": 0.8, "n_neighbours": 0.2},
    )


@pytest.fixture
def page(
    search: Search,
    leaderboard: Leaderboard,
    crosstab: Crosstab,
    profile: DataProfile,
    item_map: ItemMap,
) -> Page:
    pick = Pick(
        title=CLOSING, score=1.5, groups=["Drama", HOSTILE], because=[Reason(title=HOSTILE)], hit=True
    )
    return Page(
        header=Header(
            name=HOSTILE,
            made_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            data="toy",
            split="The last item of each user is held out.",
            summary="A small run.",
            versions={"recsmith": "0.1.0"},
        ),
        tiles=[Tile(label="Best", value="0.31", note=HOSTILE)],
        leaderboard=leaderboard,
        comparisons=[
            Comparison(
                model="EASE",
                baseline="Popular",
                metric="NDCG@10",
                difference=0.21,
                low=0.1,
                high=0.3,
                p_value=0.0004,
            )
        ],
        people=[
            Person(name="User 7", picks=[pick], liked=[Liked(title=HOSTILE, weight=4.5)], n_history=9),
            Person(name="Someone new", picks=[], is_new=True),
        ],
        item_map=item_map,
        crosstab=crosstab,
        crosses=FeatureCrosses(
            names=["user id", HOSTILE], weights=np.array([[0.1, 0.4], [0.0, 0.2]]), model="DCN"
        ),
        search=search,
        ratings=Leaderboard(results={"FunkSVD": {"RMSE": {"value": 0.9}}}, primary="RMSE", note="By chance."),
        curves=[Curve(model="FunkSVD", history=[{"epoch": 1, "rmse": 1.0}, {"epoch": 2, "rmse": 0.9}])],
        profile=profile,
        recipe=f'[data]\nsource = "{HOSTILE}"  # {CLOSING}\n',
        environment=Environment(
            facts={"CPU": HOSTILE}, timings=[Timing(model="EASE", step="fit", seconds=1.5)]
        ),
    )
