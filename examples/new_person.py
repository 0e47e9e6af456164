"""Somebody the model has never seen: titles in, recommendations with reasons out, nothing trained anew."""

import recsmith
from recsmith.models import EASE
from recsmith.runs.lists import Advisor

data = recsmith.load_movielens("latest-small")
advisor = Advisor(EASE().fit(data))

for line in advisor.for_likes(["Alien (1979)", "blade runner", "The Terminator"], k=5):
    because = " and ".join(reason["title"] for reason in line["because"])
    print(f"{line['rank']}. {line['title']}, because you liked {because}")
