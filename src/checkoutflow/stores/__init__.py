"""Stores: one contract, a memory store for tests, and one for SQL databases."""
