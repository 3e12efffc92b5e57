"""``python -m checkoutflow`` is the command line."""

from __future__ import annotations

import sys

from checkoutflow.cli import main

sys.exit(main())
