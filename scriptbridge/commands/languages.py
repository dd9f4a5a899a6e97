"""``scriptbridge languages``: what is read."""

from __future__ import annotations

import click

from .arguments import json_option
from .terminal import print_json

__all__ = ["languages"]


@click.command()
@json_option
def languages(as_json: bool) -> None:
    """The languages scriptbridge reads: code, scripts, name.

    \b
    Example:
      scriptbridge languages
    """
    from scriptbridge import languages as known

    for each in map(known.load, known.codes()):
        if as_json:
            keys = ("code", "name", "native_name", "scripts")
            print_json({key: getattr(each, key) for key in keys})
        else:
            click.echo(f"{each.code:4}{' '.join(each.scripts):10}{each.name:12}{each.native_name}")
