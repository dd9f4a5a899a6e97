"""``python -m scriptbridge`` is the command ``scriptbridge``."""

from scriptbridge.cli import main

main(prog_name="scriptbridge")
