"""train, evaluate, compare, report: from a recipe to figures, on the command line."""

import pytest


def test_a_recipe_becomes_a_run_folder_named_after_it(recsmith, shop):
    result = recsmith("train", "shop.toml", "--overwrite", "--no-report", "--json")
    assert result.status == 0
    assert result.json["run"] == "runs/shop"
    assert result.json["model"] == "ItemKNN"
    figure = result.json["metrics"]["NDCG@10"]
    assert set(figure) == {"value", "low", "high", "n_users"}
    assert "Fitting ItemKNN" in result.err


def test_the_figures_are_shown_with_intervals(recsmith, shop):
    result = recsmith("train", "shop.toml", "--out", "again", "--no-report")
    assert "NDCG@10" in result.out
    assert "95 % interval" in result.out
    assert "Run folder: again" in result.out


def test_settings_are_edited_before_the_recipe_is_read(recsmith, shop):
    words = ("--set", "model.n_neighbours=5", "--set", "evaluate.metrics=['HitRate@5']")
    result = recsmith("train", "shop.toml", *words, "--out", "small", "--no-report", "--json")
    assert list(result.json["metrics"]) == ["HitRate@5"]
    assert "n_neighbours = 5" in (shop / "small" / "recipe.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Give a RECIPE.toml, or --resume RUN."),
        (("absent.toml",), "recipe must be a TOML file. Got 'absent.toml'."),
        (("shop.toml",), "Got 'runs/shop'. It is there already; --overwrite replaces it."),
        (("shop.toml", "--set", "model.n_neighbors=5", "--out", "x"), "Did you mean 'n_neighbours'?"),
        (("shop.toml", "--set", "modle.class=EASE", "--out", "x"), "Did you mean 'model'?"),
        (("shop.toml", "--set", "model.class=ItemKnn", "--out", "x"), "Did you mean 'ItemKNN'?"),
        (("shop.toml", "--set", "evaluate.metrics=['NDGC@10']", "--out", "x"), "NDCG"),
        (("shop.toml", "--resume", "runs/shop"), "Give a RECIPE.toml, or --resume RUN."),
        (("--resume", "runs/shop"), "must be a run that was stopped. Got 'runs/shop'. This one is done."),
        (("--resume", "runs/shop", "--out", "x"), "it takes no --set, --out or --overwrite"),
    ],
)  # fmt: skip
def test_a_wrong_call_says_what_is_right(recsmith, shop, words, message):
    result = recsmith("train", *words)
    assert result.status == 2, result.err
    assert message in result.err
    assert not (shop / "x").exists()


def test_data_that_cannot_be_read_fail_with_the_place(recsmith, shop):
    with (shop / "orders.csv").open("a", encoding="utf-8") as log:
        log.write("1600000000;;i001;many\n")
    result = recsmith("train", "shop.toml", "--out", "x")
    assert result.status == 1
    assert "line " in result.err
    assert "many" in result.err
    assert "Traceback" not in result.err
    assert not (shop / "x").exists()


def test_one_column_named_wrongly_is_found(recsmith, shop):
    result = recsmith("train", "shop.toml", "--set", "data.item=SKU", "--out", "x")
    assert result.status == 1
    assert "Did you mean 'sku'?" in result.err


def test_a_model_beside_the_recipe_can_be_trained(recsmith, shop):
    (shop / "own_shop_models.py").write_text(
        '"""Mine."""\n'
        "import numpy as np\n"
        "from recsmith.config import Config\n"
        "from recsmith.models import Recommender\n"
        "class Mine(Recommender):\n"
        "    Config = Config\n"
        "    state_names = ('score_I',)\n"
        "    def _fit(self, data, run):\n"
        "        self.score_I = np.arange(data.n_items, dtype=np.float32)\n"
        "    def _score(self, histories):\n"
        "        return np.tile(self.score_I, (len(histories), 1))\n",
        encoding="utf-8",
    )
    result = recsmith("train", "shop.toml", "--set", "model={class='own_shop_models.Mine'}", "--out", "x")
    assert result.status == 0, result.err
    assert (shop / "x" / "report.html").is_file() or "No report.html" in result.err
    for words in (("recommend", "--model", "x", "--user", "1"), ("evaluate", "x")):
        refused = recsmith(*words)
        assert refused.status == 1
        assert "The model's class must be one of recsmith's own, or handed in." in refused.err
        assert "--model-class own_shop_models.Mine" in refused.err
        assert recsmith(*words, "--model-class", "own_shop_models.Mine").status == 0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1,a,4,1600000000\n1,b,5,1600000100\n1,c,3,1600000200\n", "1 users"),
        (
            "1,a,4,1600000000\n2,a,5,1600000100\n3,a,3,1600000200\n",
            "Nothing is held out, so nothing is judged.",
        ),
        ("1,a,4,1600000000\n", "Nothing is held out, so nothing is judged."),
    ],
    ids=["one user", "one item", "one event"],
)
@pytest.mark.parametrize("model", ["ItemKNN", "EASE", "IALS", "PureSVD"])
def test_the_smallest_logs_are_no_error(recsmith, shop, rows, said, model):
    (shop / "tiny.csv").write_text(f"user,item,rating,timestamp\n{rows}", encoding="utf-8")
    (shop / "tiny.toml").write_text(
        f'[data]\nsource = "table"\npath = "tiny.csv"\n[model]\nclass = "{model}"\n', encoding="utf-8"
    )
    result = recsmith("train", "tiny.toml", "--out", "tiny", "--no-report", "--no-progress")
    assert result.status == 0, result.err
    assert said in result.err
    assert recsmith("recommend", "--model", "tiny", "--user", "1", "--json").status == 0


def test_a_run_that_was_not_judged_cannot_be_compared(recsmith, shop):
    words = ("--set", "split.rule=none", "--out", "runs/all", "--no-report")
    assert recsmith("train", "shop.toml", *words).status == 0
    result = recsmith("compare", "runs/shop", "runs/all")
    assert result.status == 1
    assert "must hold an evaluation" in result.err
    assert recsmith("evaluate", "runs/all").status == 2


def test_evaluate_repeats_the_runs_figures(recsmith, shop):
    trained = recsmith("train", "shop.toml", "--out", "x", "--no-report", "--json").json["metrics"]
    result = recsmith("evaluate", "x", "--json", "--no-progress")
    assert result.json == trained
    assert result.err == ""


def test_evaluate_takes_other_metrics(recsmith, shop):
    result = recsmith(
        "evaluate", "runs/shop", "--metric", "MRR@5", "--n-bootstrap", "0", "--json", "--no-progress"
    )
    assert list(result.json) == ["MRR@5"]
    assert result.json["MRR@5"]["low"] is None
    assert "MRR@5" in recsmith("evaluate", "runs/shop", "--metric", "MRR@5").out


def test_evaluate_refuses_what_the_model_cannot(recsmith, shop):
    recsmith("train", "shop.toml", "--set", "model={class='Popular'}", "--out", "pop", "--no-report")
    result = recsmith("evaluate", "pop", "--metric", "RMSE")
    assert result.status == 2
    assert "RMSE" in result.err


@pytest.mark.parametrize("command", ["evaluate", "report"])
def test_a_folder_that_is_no_run_is_a_wrong_call(recsmith, shop, command):
    result = recsmith(command, "absent")
    assert result.status == 2
    assert "run must be a run folder. Got 'absent'." in result.err


def test_compare_tests_runs_on_the_same_people(recsmith, shop):
    recsmith("train", "shop.toml", "--set", "model={class='Popular'}", "--out", "runs/pop", "--no-report")
    result = recsmith("compare", "runs/pop", "runs/shop", "--json")
    assert result.status == 0
    first = result.json["differences"][0]
    assert (first["metric"], first["a"], first["b"]) == ("NDCG@10", "pop", "shop")
    assert first["low"] <= first["difference"] <= first["high"]
    assert result.err == ""
    assert "NDCG@10" in recsmith("compare", "runs/pop", "runs/shop", "--metric", "NDCG@10").out


def test_compare_refuses_a_run_against_itself(recsmith, shop):
    result = recsmith("compare", "runs/shop", "runs/../runs/shop")
    assert result.status == 2
    assert "runs must be different from each other. Got 'runs/shop'." in result.err


def test_compare_refuses_runs_on_other_splits(recsmith, shop):
    words = ("--set", "split.rule=random_holdout", "--out", "runs/other", "--no-report")
    assert recsmith("train", "shop.toml", *words).status == 0
    result = recsmith("compare", "runs/shop", "runs/other")
    assert result.status == 2
    assert "evaluations must be on the same split, users and protocol" in result.err


def test_report_writes_the_page_again(recsmith, shop):
    pytest.importorskip("vl_convert", reason="the report extra is not installed")
    result = recsmith("report", "runs/shop", "--json", "--no-progress")
    assert result.status == 0, result.err
    assert result.json == {"report": "runs/shop/report.html"}
    page = (shop / "runs" / "shop" / "report.html").read_text(encoding="utf-8")
    assert "ItemKNN" in page
    assert recsmith("report", "runs/shop", "--out", "page.html", "--no-progress").out.strip() == "page.html"


def test_report_without_its_extra_names_the_line_that_installs_it(recsmith, shop, monkeypatch):
    from recsmith.errors import MissingExtra
    from recsmith.runs import page

    def missing(*_: object, **__: object) -> None:
        raise MissingExtra("jinja2", "report")

    monkeypatch.setattr(page, "write_parts", missing)
    result = recsmith("report", "runs/shop")
    assert result.status == 1
    assert "Run: pip install 'recsmith[report]'" in result.err
