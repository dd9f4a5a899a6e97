"""Training encoders that need no help with Latin queries: recipes, their data and their losses.

The modules here need the extra `train`; nothing else of scriptbridge imports them.
"""
