"""A seeded world that breaks: customers, clerks, machines and providers, and what must hold in it.

``python -m checkoutflow.testing.simulation --seeds 2000`` plays seeds; see
``docs/explanation/simulation.md``.
"""
