"""``python -m userproxy``."""

from userproxy.cli import main

raise SystemExit(main())
