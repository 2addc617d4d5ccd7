"""What was made for one visitor and may be asked for again: the values last used, kept in memory within a bound."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar, final

Kept = TypeVar("Kept")


@final
class Shelf(Generic[Kept]):
    """Keeps the values last used; safe between sessions."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[tuple[str, ...], Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...]) -> Kept | None:
        """The value, or None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: tuple[str, ...], value: Kept) -> None:
        """Keep a value; the one longest unused gives way."""
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
