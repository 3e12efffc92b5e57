"""The customer's choice: what may be chosen, what it costs, in which order it stands, and why."""
