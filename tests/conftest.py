"""Properties are not timed: the first example compiles a kernel."""

from hypothesis import settings

settings.register_profile("scriptbridge", deadline=None)
settings.load_profile("scriptbridge")
