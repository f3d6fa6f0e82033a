"""`python -m lunavox_edge` is `lunavox-edge`."""

from __future__ import annotations

import sys

from lunavox_edge.cli import main

if __name__ == "__main__":
    sys.exit(main())
