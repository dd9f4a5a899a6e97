"""Commands that have modules of their own, and what all commands share; `scriptbridge.cli` gathers them."""
