"""Hashed words: rows that a plain sum gives, whatever was kept of them before."""

import math
import zlib

import numpy as np

from recsmith.models.content.hashed import N_COLUMNS, hashed, weighed_rows


def test_rows_are_what_a_plain_sum_gives():
    texts = [["red", "shoe", "red"], ["blue", "shoe"], []]
    rows = weighed_rows([hashed(words) for words in texts])
    assert rows.shape == (3, N_COLUMNS)
    for n, words in enumerate(texts):
        weight = {
            word: (1 + math.log(words.count(word))) * (math.log(4 / (1 + sum(word in t for t in texts))) + 1)
            for word in words
        }
        length = math.sqrt(sum(value**2 for value in weight.values())) or 1
        wanted = np.zeros(N_COLUMNS)
        for word, value in weight.items():
            wanted[zlib.crc32(word.encode()) % N_COLUMNS] = value / length
        np.testing.assert_allclose(rows[n].toarray()[0], wanted, atol=1e-6)


def test_a_catalogue_without_words_has_rows_too():
    assert weighed_rows([hashed([]), hashed([])]).nnz == 0
