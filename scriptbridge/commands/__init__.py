"""The commands, those of one subject in a file, and what they share; `scriptbridge.cli` gathers them."""
