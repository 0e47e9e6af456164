"""Five lines: from the bundled log to a list."""

from recsmith import leave_last_out, load_movielens
from recsmith.models import ItemKNN

split = leave_last_out(load_movielens("latest-small"))
model = ItemKNN(n_neighbours=100).fit(split.train)
print(model.recommend([1, 42], k=5).to_frame())
