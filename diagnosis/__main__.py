"""`python -m diagnosis` is `diagnosis`."""

from diagnosis.cli import main

main()
