"""`python -m connector` and the `connector` script."""

from __future__ import annotations

import sys


def main() -> None:
    from connector.cli.main import run  # noqa: PLC0415  # nothing but click before the arguments are known
    from connector.runtime.garbage import search_less_often  # noqa: PLC0415  # as above

    search_less_often()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
