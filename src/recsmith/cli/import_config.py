"""`recsmith import-config`: a recipe from a config of TensorFlow's on-device framework."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith import-config recipes/tf-on-device.pbtxt")


def import_config(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An InputConfig in proto3 text format.")],
    hidden_layer_dims: Annotated[
        str, typer.Option(metavar="N,N", help="As the launcher's flag; none by default.")
    ] = "",
    conv_num_filter_ratios: Annotated[str, typer.Option(metavar="N,N", help="As the launcher's flag.")] = "1",
    conv_kernel_size: Annotated[int, typer.Option(help="As the launcher's flag.")] = 4,
    lstm_num_units: Annotated[int, typer.Option(help="As the launcher's flag.")] = 4,
    learning_rate: Annotated[float, typer.Option(help="As the launcher's flag, of Adagrad.")] = 0.1,
    gradient_clip_norm: Annotated[float, typer.Option(help="As the launcher's flag; 0 is none.")] = 1.0,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="As the launcher's flag, in its examples; NextItem's own else.")
    ] = None,
    steps_per_epoch: Annotated[
        int | None, typer.Option(min=1, help="As the launcher's flag; validation ends the training else.")
    ] = None,
    num_epochs: Annotated[
        int | None, typer.Option(min=1, help="As the launcher's flag, with --steps-per-epoch.")
    ] = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Print the recipe of the network that a config of TensorFlow's on-device framework describes.

    The training is the launcher's: Adagrad with its learning rate and clipping, or with the flags given.
    """
    from recsmith.config.recipe import parse_recipe
    from recsmith.config.tf_config import TfFlags, read_tf_config, recipe_of, render

    flags = TfFlags(
        hidden_layer_dims=_numbers("hidden-layer-dims", hidden_layer_dims),
        conv_num_filter_ratios=_numbers("conv-num-filter-ratios", conv_num_filter_ratios),
        conv_kernel_size=conv_kernel_size,
        lstm_num_units=lstm_num_units,
        learning_rate=learning_rate,
        gradient_clip_norm=gradient_clip_norm,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        num_epochs=num_epochs,
    )
    config = read_tf_config(file)
    recipe = recipe_of(config, flags)
    parse_recipe(recipe)
    if json:
        shared.print_json(recipe)
    else:
        typer.echo(render(recipe, config, source=file.name), nl=False)


def _numbers(name: str, text: str) -> tuple[int, ...]:
    from recsmith.errors import InvalidValue

    words = [word for word in text.replace(" ", "").split(",") if word]
    if not all(word.isdigit() and int(word) > 0 for word in words):
        raise InvalidValue(f"--{name}", "whole numbers with commas between, such as 32,32", text)
    return tuple(int(word) for word in words)
