"""Measuring the script gap of any search stack: how much less Latin queries find than native ones."""
