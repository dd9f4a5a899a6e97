"""The languages scriptbridge reads: one TOML file each, that a speaker can read and correct.

``docs/languages.md`` describes the format. Adding a language is adding a file to this directory; a file of
one's own is read with `load_file`.
"""

from __future__ import annotations

from .detection import detect
from .language import Language, Typing
from .reading import codes, load, load_file, own_typing

__all__ = ["Language", "Typing", "codes", "detect", "load", "load_file", "own_typing"]
