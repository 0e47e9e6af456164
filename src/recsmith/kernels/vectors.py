"""Sums and steps over short float32 vectors, in the widest registers the processor has.

The loop vectoriser spends much of loops this short on their rest, and on tests for arrays that overlap; here
a vector goes 16 numbers at a time, then 8, 4 and 1. A length that is known when the kernel is compiled is
unrolled: then both vectors of a step stay in registers from the product to the step, and nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_FLOAT = ir.FloatType()
_INDEX = ir.IntType(64)
_FAST = ("contract", "reassoc", "nsz")
_WIDTHS = (16, 8, 4, 1)
_LONGEST = 128  # that is unrolled: two such vectors fill 16 of 32 registers


@intrinsic(prefer_literal=True)
def dot(typingctx: Any, x_D: Any, y_D: Any, n_dims: Any) -> Any:
    """Returns Σ x y of two contiguous float32 arrays of one length.

    `n_dims` is that length where it is a constant of the function that calls, 0 where it is not.
    """

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        x, y = (_data(context, builder, *one) for one in zip(signature.args[:2], values[:2], strict=True))

        def term(at: Any, width: int) -> Any:
            return builder.fmul(
                _load(builder, x.data, at, width), _load(builder, y.data, at, width), flags=_FAST
            )

        return _sum(builder, _length(builder, x, n_dims), term)

    return types.float32(x_D, y_D, n_dims), code


@intrinsic
def dot_difference(typingctx: Any, x_D: Any, y_D: Any, z_D: Any) -> Any:
    """Returns Σ x (y − z)."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        x, y, z = (_data(context, builder, *one) for one in zip(signature.args, values, strict=True))

        def term(at: Any, width: int) -> Any:
            a, b, c = (_load(builder, one.data, at, width) for one in (x, y, z))
            return builder.fmul(a, builder.fsub(b, c, flags=_FAST), flags=_FAST)

        return _sum(builder, _length(builder, x), term)

    return types.float32(x_D, y_D, z_D), code


@intrinsic(prefer_literal=True)
def step_both(typingctx: Any, x_D: Any, y_D: Any, keep: Any, pull: Any, n_dims: Any) -> Any:
    """Sets x to keep x + pull y and y to keep y + pull x, of what both were before; `n_dims` as for `dot`."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        x, y = (_data(context, builder, *one) for one in zip(signature.args[:2], values[:2], strict=True))

        def read(at: Any, width: int) -> None:
            both = _load(builder, x.data, at, width), _load(builder, y.data, at, width)
            held.append((at, width, *both))

        def write() -> None:
            for at, width, a, b in held:
                keep, pull = (_spread(builder, value, width) for value in values[2:4])
                _store(builder, _combine(builder, keep, a, pull, b), x.data, at, width)
                _store(builder, _combine(builder, keep, b, pull, a), y.data, at, width)
            held.clear()

        def work(at: Any, width: int) -> None:
            read(at, width)
            write()

        held: list[Any] = []
        length = _length(builder, x, n_dims)
        # All is read before any is written: so it is what `dot` read a moment ago, and stays in registers.
        _each(builder, length, read if isinstance(length, int) else work)
        write()
        return context.get_dummy_value()

    return types.none(x_D, y_D, keep, pull, n_dims), code


@intrinsic
def fetch(typingctx: Any, x_D: Any, at: Any) -> Any:
    """Asks the caches for the line that holds x[at], which is needed soon, and does not wait for it."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        x = _data(context, builder, signature.args[0], values[0])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        place = builder.bitcast(builder.gep(x.data, [values[1]]), byte)
        builder.call(prefetch, [place, *(ir.Constant(number, n) for n in (0, 3, 1))])  # to read, keep, data
        return context.get_dummy_value()

    return types.none(x_D, types.intp), code


@intrinsic
def step_pair(typingctx: Any, x_D: Any, y_D: Any, z_D: Any, keep: Any, pull: Any) -> Any:
    """Sets x to keep x + pull (y − z), y to keep y + pull x, z to keep z − pull x, all of what was before."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        x, y, z = (_data(context, builder, *one) for one in zip(signature.args[:3], values[:3], strict=True))
        back = builder.fneg(values[4])

        def work(at: Any, width: int) -> None:
            keep, pull, push = (_spread(builder, value, width) for value in (values[3], values[4], back))
            a, b, c = (_load(builder, one.data, at, width) for one in (x, y, z))
            above = builder.fsub(b, c, flags=_FAST)
            _store(builder, _combine(builder, keep, a, pull, above), x.data, at, width)
            _store(builder, _combine(builder, keep, b, pull, a), y.data, at, width)
            _store(builder, _combine(builder, keep, c, push, a), z.data, at, width)

        _each(builder, _length(builder, x), work)
        return context.get_dummy_value()

    return types.none(x_D, y_D, z_D, keep, pull), code


def _sum(builder: Any, length: Any, term: Callable[[Any, int], Any]) -> Any:
    """Adds up term(place, width); what a width has summed is folded into the next narrower."""
    totals = {width: cgutils.alloca_once_value(builder, _zero(width)) for width in _WIDTHS}

    def work(at: Any, width: int) -> None:
        total = builder.load(totals[width])
        builder.store(builder.fadd(total, term(at, width), flags=_FAST), totals[width])

    def fold(width: int, narrower: int) -> None:
        total = builder.load(totals[width])
        while width > narrower:
            width //= 2
            halves = []
            for first in (0, width):
                lanes = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(first, first + width)))
                halves.append(builder.shuffle_vector(total, total, lanes))
            total = builder.fadd(*halves, flags=_FAST)
        if width == 1:
            total = builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
        builder.store(builder.fadd(builder.load(totals[narrower]), total, flags=_FAST), totals[narrower])

    _each(builder, length, work, after=fold)
    return builder.load(totals[1])


def _each(
    builder: Any,
    length: Any,
    work: Callable[[Any, int], None],
    after: Callable[[int, int], None] = lambda width, narrower: None,
) -> None:
    """Emits work(place, width) for all of a vector; after(width, next width) when a width is through."""
    if isinstance(length, int):
        place = 0
        for n, width in enumerate(_WIDTHS):
            while place + width <= length:
                work(ir.Constant(_INDEX, place), width)
                place += width
            if n + 1 < len(_WIDTHS):
                after(width, _WIDTHS[n + 1])
        return
    at = cgutils.alloca_once_value(builder, ir.Constant(_INDEX, 0))
    for n, width in enumerate(_WIDTHS):
        head, body, end = (builder.append_basic_block(f"{name}{width}") for name in ("head", "body", "end"))
        builder.branch(head)
        builder.position_at_end(head)
        until = builder.add(builder.load(at), ir.Constant(_INDEX, width))
        builder.cbranch(builder.icmp_signed("<=", until, length), body, end)
        builder.position_at_end(body)
        work(builder.load(at), width)
        builder.store(until, at)
        builder.branch(head)
        builder.position_at_end(end)
        if n + 1 < len(_WIDTHS):
            after(width, _WIDTHS[n + 1])


def _combine(builder: Any, keep: Any, x: Any, pull: Any, y: Any) -> Any:
    return builder.fadd(builder.fmul(keep, x, flags=_FAST), builder.fmul(pull, y, flags=_FAST), flags=_FAST)


def _data(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    return context.make_array(array_type)(context, builder, array)


def _length(builder: Any, array: Any, n_dims: Any = None) -> Any:
    """Returns the length as an int where it is known and short enough to unroll, else as a value."""
    known = getattr(n_dims, "literal_value", 0)
    return known if 0 < known <= _LONGEST else builder.extract_value(array.shape, 0)


def _place(builder: Any, data: Any, at: Any, width: int) -> Any:
    place = builder.gep(data, [at])
    return place if width == 1 else builder.bitcast(place, ir.VectorType(_FLOAT, width).as_pointer())


def _load(builder: Any, data: Any, at: Any, width: int) -> Any:
    return builder.load(_place(builder, data, at, width), align=4)


def _store(builder: Any, value: Any, data: Any, at: Any, width: int) -> None:
    builder.store(value, _place(builder, data, at, width), align=4)


def _zero(width: int) -> Any:
    return (
        ir.Constant(_FLOAT, 0.0) if width == 1 else ir.Constant(ir.VectorType(_FLOAT, width), [0.0] * width)
    )


def _spread(builder: Any, value: Any, width: int) -> Any:
    if width == 1:
        return value
    vector = ir.VectorType(_FLOAT, width)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
    return builder.shuffle_vector(one, one, lanes)
