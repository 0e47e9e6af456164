"""Is one model better than another, or was it luck? The same people, a paired test."""

import recsmith
from recsmith.models import Popular, PureSVD

split = recsmith.leave_last_out(recsmith.load_movielens("latest-small"))
evaluations = {
    name: recsmith.evaluate(model.fit(split.train), split, metrics=["NDCG@10", "Coverage@10"])
    for name, model in {"Popular": Popular(), "PureSVD": PureSVD(embedding_dim=20)}.items()
}
for name, evaluation in evaluations.items():
    print(name, evaluation["NDCG@10"])

(difference, *_) = recsmith.compare(evaluations).differences
print(f"{difference.metric}: {difference.difference:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})")
print("better:", difference.verdict)
