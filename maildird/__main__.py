"""`python -m maildird` is the `maildird` command."""

import sys

from maildird.cli.main import main

sys.exit(main())
