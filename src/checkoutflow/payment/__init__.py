"""Payments: methods, the payment's own state machine, its books, and what providers answer."""
