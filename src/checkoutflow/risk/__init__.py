"""Learning the score that tells which orders a person should look at.

`training.train` makes a model from rows and measures it; `history` makes rows of a shop's own past.
``checkoutflow review train`` is the command. A model is a JSON file, and using it needs nothing of
this: see `checkoutflow.review.score`.

Needs the extra ``risk``, which brings scikit-learn; it loads when something is learned, not before.
"""

from __future__ import annotations
