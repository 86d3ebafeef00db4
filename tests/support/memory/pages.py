"""Listings as the SDK gives them: page by page, each a call of its own."""

from collections.abc import Callable, Iterator
from typing import Any

#: (continuation token) -> (items, continuation token of what follows, "" or None at the end)
NextPage = Callable[[Any], tuple[list[Any], Any]]


class Pages:
    """What by_page gives."""

    def __init__(self, page: NextPage, token: Any) -> None:
        self._page = page
        self._over = False
        self.continuation_token = token

    def __iter__(self) -> Iterator[list[Any]]:
        return self

    def __next__(self) -> list[Any]:
        if self._over:
            raise StopIteration
        items, self.continuation_token = self._page(self.continuation_token)
        self._over = not self.continuation_token
        return items


class Listing:
    """What a listing call gives: no request is sent before the first item is asked for."""

    def __init__(self, page: NextPage) -> None:
        self._page = page

    def __iter__(self) -> Iterator[Any]:
        for items in self.by_page():
            yield from items

    def by_page(self, continuation_token: Any = None) -> Pages:
        return Pages(self._page, continuation_token)
