"""Words as columns by a hash, so that an item unknown at training has a row beside the others at once
(Weinberger et al., Feature hashing for large scale multitask learning, ICML 2009)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from recsmith.kernels.weighting import column_counts, inverse_document_frequency, row_norms

N_COLUMNS = 2**18


def hashed_rows(words: Sequence[Sequence[str]]) -> sparse.csr_matrix:
    """Returns TF-IDF rows of length 1, float32 [n, N_COLUMNS]; two words share a column once in 2^18."""
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in words], dtype=np.int64)])
    column = np.fromiter((zlib.crc32(word.encode()) % N_COLUMNS for row in words for word in row), np.int32)
    count = sparse.csr_matrix(
        (np.ones(len(column), np.float32), column, indptr), shape=(len(words), N_COLUMNS)
    )
    count.sum_duplicates()
    idf_T = inverse_document_frequency(column_counts(count), max(len(words), 1))
    count.data = ((1.0 + np.log(count.data)) * idf_T[count.indices]).astype(np.float32)
    norm_n = np.maximum(row_norms(count), 1e-12)
    count.data /= np.repeat(norm_n, np.diff(count.indptr)).astype(np.float32)
    return count
