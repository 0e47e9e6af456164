"""Your own CSV: any column names, any separator; bad rows are set aside and counted."""

import sys
import tempfile
from pathlib import Path

import recsmith
from recsmith.models import EASE

ORDERS = """customer;sku;stars;ordered_at
anna;tea;5;2024-01-03
anna;cup;4;2024-01-05
anna;pot;5;2024-02-01
ben;tea;4;2024-01-09
ben;cup;5;2024-02-11
ben;jam;many;2024-02-12
cleo;jam;4;2024-01-20
cleo;bread;5;2024-01-21
cleo;tea;3;2024-03-02
dan;jam;5;2024-02-02
dan;bread;4;2024-02-20
"""

with tempfile.TemporaryDirectory() as scratch:
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
    else:
        path = Path(scratch) / "orders.csv"
        path.write_text(ORDERS, encoding="utf-8")
    data = recsmith.read_table(
        path, user="customer", item="sku", weight="stars", time="ordered_at", on_bad_rows="quarantine"
    )

print(data)
print("set aside:", data.notes.refused)
model = EASE(regularization=1.0).fit(data)
for user_id, lines in model.recommend(["ben", "dan"], k=2):
    print(user_id, [line.item_id for line in lines])
