"""Counts how often columns of bits are set among chosen rows, 512 columns at a time, without adding a number.

Rows are added as a processor's full adders add: the sums' ones, twos, fours, … stand in words of their own
("vertical counters"), so that one bitwise operation on a word counts in 64 columns. Carry-save trees after
Harley and Seal; Muła, Kurz, Lemire, Faster population counts using AVX2 instructions, 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

WORDS = 8
"""Words of a block; a block has 64 columns a word."""
COLUMNS = 64 * WORDS
_LEVELS = 32

_WORD = ir.IntType(64)
_WORDS_T = ir.VectorType(_WORD, WORDS)


@njit(nogil=True, cache=True)
def pack(indptr, column, n_blocks):
    """Returns uint64 [blocks, rows + 1, WORDS]: row t of block b has bit c for column 512 b + c.

    Row t's columns are `column[indptr[t]:indptr[t + 1]]`; those from 512 · n_blocks on are left out. The last
    row is empty. O(entries + bits / 64).
    """
    n_rows = len(indptr) - 1
    bits_BTW = np.zeros((n_blocks, n_rows + 1, WORDS), np.uint64)
    for t in range(n_rows):
        for entry in range(indptr[t], indptr[t + 1]):
            c = column[entry]
            block = c // COLUMNS
            if block < n_blocks:
                bits_BTW[block, t, (c % COLUMNS) >> 6] |= np.uint64(1) << np.uint64(c & 63)
    return bits_BTW


@njit(nogil=True, cache=True)
def count_bits(row_L, bits_TW, level_PW, wait_PW, count_C, at):
    """Writes how many of the listed rows have each column of a block to count_C[at : at + 512], int32.

    `row_L` int64 is a multiple of 8 long; fill it up with the empty row. `level_PW` and `wait_PW` come from
    `working_memory`. O(listed + log listed) operations on 512 bits.
    """
    n_levels = np.int64(3)
    while (np.int64(1) << n_levels) <= len(row_L):
        n_levels += 1
    level_PW[:n_levels] = 0
    done = 0
    for first in range(0, len(row_L), 8):
        _add_eight(row_L, first, bits_TW, level_PW, wait_PW)
        # wait_PW[0] is a carry of weight 8. Two carries of a weight make one of the next.
        p = 3
        odd = done
        while odd & 1:
            _add_two(level_PW, p, wait_PW, p)
            odd >>= 1
            p += 1
        _keep(wait_PW, p)
        done += 1
    p = 3
    while done:
        if done & 1:
            _recall(wait_PW, p)
            for q in range(p, n_levels):
                _add_one(level_PW, q, wait_PW)
        done >>= 1
        p += 1
    for w in range(WORDS):
        _spread(level_PW, n_levels, w, count_C, at + 64 * w)


@njit(nogil=True, cache=True)
def working_memory():
    """Returns the two arrays that `count_bits` works in."""
    return np.zeros((_LEVELS, WORDS), np.uint64), np.zeros((_LEVELS, WORDS), np.uint64)


def count_bits_plain(row_L: np.ndarray, bits_TW: np.ndarray) -> np.ndarray:
    """Is the readable twin of `count_bits`: unpacks and adds."""
    as_bytes = bits_TW[row_L].astype("<u8").view(np.uint8)
    return np.unpackbits(as_bytes, axis=1, bitorder="little").sum(axis=0, dtype=np.int32)


# Steps on one block, in the vectors that the processor has ----------------------------------------------
#
# The compiler does not find these in loops over words: it must fear that arrays overlap. A vector of eight
# words is one AVX-512 register, two of AVX, four of SSE or NEON; LLVM cuts it to what is there.


@intrinsic
def _add_eight(typingctx: Any, row_L: Any, first: Any, bits_TW: Any, level_PW: Any, wait_PW: Any) -> Any:
    """Adds eight rows to the ones, twos and fours; the carry goes to wait_PW[0]."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        row_type, _, bits_type, level_type, wait_type = signature.args
        rows = context.make_array(row_type)(context, builder, values[0]).data
        given = []
        for n in range(8):
            at = builder.add(values[1], ir.Constant(_WORD, n))
            row = builder.load(builder.gep(rows, [at]))
            given.append(builder.load(_vector(context, builder, bits_type, values[2], row), align=8))
        sums = [_vector(context, builder, level_type, values[3], ir.Constant(_WORD, p)) for p in range(3)]
        ones, twos, fours = (builder.load(place, align=8) for place in sums)
        carries = []
        for n in range(0, 8, 2):
            ones, carry = _full_adder(builder, ones, given[n], given[n + 1])
            carries.append(carry)
        for n in range(0, 4, 2):
            twos, carry = _full_adder(builder, twos, carries[n], carries[n + 1])
            carries.append(carry)
        fours, carry = _full_adder(builder, fours, carries[4], carries[5])
        for place, total in zip(sums, (ones, twos, fours), strict=True):
            builder.store(total, place, align=8)
        builder.store(carry, _carry(context, builder, wait_type, values[4]), align=8)
        return context.get_dummy_value()

    return types.none(row_L, first, bits_TW, level_PW, wait_PW), code


@intrinsic
def _add_two(typingctx: Any, level_PW: Any, p: Any, wait_PW: Any, q: Any) -> Any:
    """Adds the carry and what waits at q to level p; the new carry goes to wait_PW[0]."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        level = _vector(context, builder, signature.args[0], values[0], values[1])
        waiting = _vector(context, builder, signature.args[2], values[2], values[3])
        carry = _carry(context, builder, signature.args[2], values[2])
        a, b, c = (builder.load(place, align=8) for place in (level, waiting, carry))
        total, over = _full_adder(builder, a, b, c)
        builder.store(total, level, align=8)
        builder.store(over, carry, align=8)
        return context.get_dummy_value()

    return types.none(level_PW, p, wait_PW, q), code


@intrinsic
def _add_one(typingctx: Any, level_PW: Any, p: Any, wait_PW: Any) -> Any:
    """Adds the carry alone to level p; the new carry goes to wait_PW[0]."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        level = _vector(context, builder, signature.args[0], values[0], values[1])
        carry = _carry(context, builder, signature.args[2], values[2])
        a, c = builder.load(level, align=8), builder.load(carry, align=8)
        builder.store(builder.xor(a, c), level, align=8)
        builder.store(builder.and_(a, c), carry, align=8)
        return context.get_dummy_value()

    return types.none(level_PW, p, wait_PW), code


@intrinsic
def _keep(typingctx: Any, wait_PW: Any, p: Any) -> Any:
    """Copies the carry, wait_PW[0], to wait_PW[p]."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        carry = builder.load(_carry(context, builder, signature.args[0], values[0]), align=8)
        builder.store(carry, _vector(context, builder, signature.args[0], values[0], values[1]), align=8)
        return context.get_dummy_value()

    return types.none(wait_PW, p), code


@intrinsic
def _recall(typingctx: Any, wait_PW: Any, p: Any) -> Any:
    """Copies wait_PW[p] to the carry, wait_PW[0]."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kept = builder.load(_vector(context, builder, signature.args[0], values[0], values[1]), align=8)
        builder.store(kept, _carry(context, builder, signature.args[0], values[0]), align=8)
        return context.get_dummy_value()

    return types.none(wait_PW, p), code


@intrinsic
def _spread(typingctx: Any, level_PW: Any, n_levels: Any, w: Any, count_C: Any, at: Any) -> Any:
    """Writes the 64 numbers whose binary digits are word w of the levels to count_C[at:]."""
    numbers = ir.VectorType(ir.IntType(32), 64)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        levels = context.make_array(signature.args[0])(context, builder, values[0]).data
        counts = context.make_array(signature.args[3])(context, builder, values[3]).data
        total = cgutils.alloca_once_value(builder, ir.Constant(numbers, [0] * 64))
        with cgutils.for_range(builder, values[1]) as loop:
            place = builder.add(builder.mul(loop.index, ir.Constant(_WORD, WORDS)), values[2])
            word = builder.load(builder.gep(levels, [place]))
            marks = builder.bitcast(word, ir.VectorType(ir.IntType(1), 64))
            digit = builder.shl(ir.Constant(ir.IntType(32), 1), builder.trunc(loop.index, ir.IntType(32)))
            digits = builder.insert_element(ir.Constant(numbers, ir.Undefined), digit, ir.Constant(_WORD, 0))
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64)
            same = builder.shuffle_vector(digits, digits, lanes)
            added = builder.select(marks, same, ir.Constant(numbers, [0] * 64))
            builder.store(builder.add(builder.load(total), added), total)
        place = builder.bitcast(builder.gep(counts, [values[4]]), numbers.as_pointer())
        builder.store(builder.load(total), place, align=4)
        return context.get_dummy_value()

    return types.none(level_PW, n_levels, w, count_C, at), code


def _full_adder(builder: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    """Returns the sum and the carry of three bits, in every place of three words."""
    differ = builder.xor(a, b)
    # Where a and b differ the carry is c, else it is a.
    carry = builder.or_(builder.and_(differ, c), builder.and_(builder.not_(differ), a))
    return builder.xor(differ, c), carry


def _vector(context: Any, builder: Any, array_type: Any, array: Any, row: Any) -> Any:
    """Returns the place of a row of WORDS words."""
    data = context.make_array(array_type)(context, builder, array).data
    place = builder.gep(data, [builder.mul(row, ir.Constant(_WORD, WORDS))])
    return builder.bitcast(place, _WORDS_T.as_pointer())


def _carry(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    return _vector(context, builder, array_type, array, ir.Constant(_WORD, 0))
