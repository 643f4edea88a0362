"""Stock as this process knows it, the cursor that it stands at, and how old it is."""

import base64
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.timestamp_pb2 import Timestamp
from stockledger.v1.entry_pb2 import Entry
from stockledger.v1.stock_pb2 import LocationBalance, Stock


class Gap(Exception):
    """An entry is missing before this one: never to be passed over in silence."""


@dataclass
class SkuStock:
    """One SKU: the last entry that it reflects, and its balances by location."""

    sequence: int = 0
    balances: dict[str, LocationBalance] = field(default_factory=dict)

    def available_to_sell(self, channel: str) -> int:
        """What Reserve and Sell would go by on this channel, over all locations; the formula is in stock.proto."""
        return sum(_available_to_sell(balance, channel) for balance in self.balances.values())


@dataclass
class View:
    """The projection. Its cursor moves together with what it has applied, and the two are stored together."""

    cursor: bytes = b""  # empty: it knows nothing yet, and has to begin with initial stock
    skus: dict[str, SkuStock] = field(default_factory=dict)

    def begin(self, stocks: Iterable[Stock]) -> None:
        """Replaces all that it knows by initial stock."""
        self.skus = {
            stock.sku: SkuStock(stock.sequence, {balance.location: balance for balance in stock.balances})
            for stock in stocks
        }

    def apply(self, entry: Entry) -> bool:
        """Applies an entry once; False where it had been applied before, as after a reconnect."""
        known = self.skus.setdefault(entry.sku, SkuStock())
        if entry.sequence <= known.sequence:
            return False
        if entry.sequence != known.sequence + 1:
            raise Gap(f"{entry.sku}: entry {entry.sequence} follows {known.sequence}")
        # An entry tells the balances after it, so there is no arithmetic to do, and none to get wrong: a kind that
        # this program has never heard of is applied as well.
        for balance in entry.balances:
            known.balances[balance.location] = balance
        known.sequence = entry.sequence
        return True

    @classmethod
    def load(cls, path: Path) -> "View":
        """The view that was kept; one that knows nothing where there is none."""
        if not path.exists():
            return cls()
        kept = json.loads(path.read_text())
        skus = {
            sku: SkuStock(told["sequence"], {b["location"]: ParseDict(b, LocationBalance()) for b in told["balances"]})
            for sku, told in kept["skus"].items()
        }
        return cls(base64.b64decode(kept["cursor"]), skus)

    def save(self, path: Path) -> None:
        """Keeps view and cursor in one file, whole or not at all: a cursor ahead of its view would lose entries.

        With a database in place of the file, both go into one transaction.
        """
        kept = {
            "cursor": base64.b64encode(self.cursor).decode(),
            "skus": {
                sku: {
                    "sequence": known.sequence,
                    "balances": [
                        MessageToDict(balance, preserving_proto_field_name=True) for balance in known.balances.values()
                    ],
                }
                for sku, known in self.skus.items()
            },
        }
        written = path.with_name(path.name + ".new")
        with written.open("w") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)


class FeedClock:
    """How old the view may be, without two clocks having to agree.

    Of each message is known when the ledger made it, by its clock, and when it arrived, by this process's steady one.
    The message that was fastest on its way tells the difference of the clocks best; a slower one only looks older.
    """

    # Clocks drift apart by less than this; so a difference that was seen long ago fades.
    DRIFT = 100e-6

    def __init__(self) -> None:
        self._ahead = float("-inf")  # ledger's clock less ours
        self._noted = time.monotonic()
        self._complete = float("-inf")

    def told(self, ledger_time: Timestamp, complete_time: Timestamp | None) -> None:
        """Notes a message. Without a complete_time, while the feed catches up, the last one stands and grows old."""
        now = time.monotonic()
        self._ahead = max(_seconds(ledger_time) - now, self._ahead - (now - self._noted) * self.DRIFT)
        self._noted = now
        if complete_time is not None:
            self._complete = _seconds(complete_time)

    def staleness(self) -> float:
        """All that the ledger committed longer ago than this many seconds is in the view; infinite before the first."""
        if self._complete == float("-inf"):
            return float("inf")
        return max(0.0, time.monotonic() + self._ahead - self._complete)


def _available_to_sell(balance: LocationBalance, channel: str) -> int:
    free = balance.available - balance.safety_stock
    own_limit = None
    for share in balance.allocations:
        if share.channel != channel:
            free -= max(0, share.guaranteed - share.used)
        elif share.HasField("maximum"):
            own_limit = share.maximum - share.used
    return max(0, free if own_limit is None else min(free, own_limit))


def _seconds(timestamp: Timestamp) -> float:
    return timestamp.seconds + timestamp.nanos / 1e9
