"""The heart: commands, events, state, the tables, ``decide``, ``evolve`` and ``view``."""
