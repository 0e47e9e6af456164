"""Words as columns by a hash, so that an item unknown at training has a row beside the others at once
(Weinberger et al., Feature hashing for large scale multitask learning, ICML 2009)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from recsmith.kernels.weighting import column_counts, inverse_document_frequency, row_norms

N_COLUMNS = 2**18


def hashed(words: Sequence[str]) -> bytes:
    """Returns the columns of words in their order, int32; two words share one once in 2^18."""
    return np.array([zlib.crc32(word.encode()) % N_COLUMNS for word in words], np.int32).tobytes()


def weighed_rows(rows: Sequence[bytes]) -> sparse.csr_matrix:
    """Returns TF-IDF rows of length 1, float32 [n, N_COLUMNS], of the words that `hashed` gave."""
    column = np.frombuffer(b"".join(rows), np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64) // column.itemsize])
    count = sparse.csr_matrix(
        (np.ones(len(column), np.float32), column, indptr), shape=(len(rows), N_COLUMNS), copy=True
    )
    count.sum_duplicates()
    idf_T = inverse_document_frequency(column_counts(count), max(len(rows), 1))
    count.data = ((1.0 + np.log(count.data)) * idf_T[count.indices]).astype(np.float32)
    norm_n = np.maximum(row_norms(count), 1e-12)
    count.data /= np.repeat(norm_n, np.diff(count.indptr)).astype(np.float32)
    return count
