"""Find native-script documents with queries typed in Latin letters."""

__version__ = "0.1.0"
