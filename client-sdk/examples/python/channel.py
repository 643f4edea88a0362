#!/usr/bin/env python3
"""A channel: follows the ledger's feed, keeps a local view of stock, and knows how old it is.

    python channel.py --state channel.json

Ctrl-C ends it; started again it goes on where it was.
"""

import argparse
import asyncio
import math
import signal
import sys
import time
from pathlib import Path

import grpc
from stockledger.v1.entry_pb2 import Entry, EntryKind
from stockledger.v1.feed_service_pb2 import FeedFilter, SubscribeRequest, SubscribeResponse
from stockledger.v1.feed_service_pb2_grpc import FeedServiceStub
from stockledger.v1.stock_pb2 import Stock

from ledger import backoff, connect, reason
from view import FeedClock, Gap, View

HEARTBEAT = 1.0  # seconds between messages at most, as asked of the ledger
SILENCE = 5 * HEARTBEAT  # a feed without a message for so long is broken, whatever the connection says
SAVE_EVERY = 1.0  # seconds; what is lost with a crash is told again

# The request is wrong, or the journal is damaged: to come back would change nothing.
FOR_GOOD = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.DATA_LOSS,
}


class Channel:
    """One channel's view of stock. `view` may be read at any time, `clock` says how old it is."""

    def __init__(self, feed: FeedServiceStub, state: Path, sku_prefix: str = "", channel: str = "web") -> None:
        self.view = View.load(state)
        self.clock = FeedClock()
        self.applied = 0
        self.repeats = 0
        self._feed = feed
        self._state = state
        self._saved = time.monotonic()
        self._failures = 0
        # SKUs may be chosen. Locations, channels or kinds may not: without every entry of a SKU its balances would be
        # wrong.
        self._filter = FeedFilter(sku_prefix=sku_prefix)
        self._channel = channel
        self._gathering: list[Stock] = []

    async def follow(self) -> None:
        """Follows the feed, over any number of broken connections, until it is cancelled."""
        print(f"resuming with {len(self.view.skus)} SKUs" if self.view.cursor else "beginning with initial stock")
        try:
            while True:
                try:
                    await self._listen()
                    why = "it ended the stream"
                except TimeoutError:
                    why = "no heartbeat"
                except grpc.aio.AioRpcError as error:
                    if reason(error) == "CURSOR_EXPIRED":
                        # The ledger came back from a backup, perhaps without entries that this view has applied.
                        print("the cursor has expired: beginning again with initial stock")
                        self.view.cursor = b""
                        continue
                    if error.code() in FOR_GOOD:
                        raise
                    why = reason(error) or error.code().name
                self._failures += 1
                if self._failures == 1:
                    print(f"lost the ledger ({why}); the view is {self.age()}; trying until it is back")
                await asyncio.sleep(backoff(self._failures))
        finally:
            if self.view.cursor:
                self.view.save(self._state)

    def age(self) -> str:
        """How old the view may be, for people."""
        staleness = self.clock.staleness()
        return "of unknown age" if staleness == float("inf") else f"{math.ceil(staleness * 1_000)} ms old"

    async def _listen(self) -> None:
        """One subscription, until it breaks; TimeoutError where no message comes, not even a heartbeat."""
        request = SubscribeRequest(filter=self._filter, heartbeat_interval_ms=int(HEARTBEAT * 1_000))
        if self.view.cursor:
            request.after_cursor = self.view.cursor
        else:
            request.from_now = True
            request.initial_stock = True
        self._gathering = []
        call = self._feed.Subscribe(request)
        try:
            while True:
                async with asyncio.timeout(SILENCE):
                    message = await call.read()
                if message is grpc.aio.EOF:
                    return
                self._take(message)
                self._failures = 0
        finally:
            call.cancel()

    def _take(self, message: SubscribeResponse) -> None:
        if message.stocks or message.stock_complete:
            self._take_initial_stock(message)
        for entry in message.entries:
            if self.view.apply(entry):
                self.applied += 1
                self._show(entry)
            else:
                self.repeats += 1
        if message.cursor:  # there is none in the middle of initial stock
            self.view.cursor = message.cursor
        complete = message.complete_time if message.HasField("complete_time") else None
        self.clock.told(message.ledger_time, complete)
        if message.caught_up:
            print(f"caught up, {self.age()}")
        # Not after each message: a view of a million SKUs is not written anew for each sale. A cursor that is kept
        # late is safe, since its view is as old; one that is kept early is not.
        if self.view.cursor and time.monotonic() - self._saved >= SAVE_EVERY:
            self.view.save(self._state)
            self._saved = time.monotonic()

    def _take_initial_stock(self, message: SubscribeResponse) -> None:
        """Gathers it beside the old view, which stays readable until the new one is whole."""
        self._gathering.extend(message.stocks)
        if message.stock_complete:
            self.view.begin(self._gathering)
            self._gathering = []
            print(f"initial stock of {len(self.view.skus)} SKUs")

    def _show(self, entry: Entry) -> None:
        kind = EntryKind.Name(entry.kind).removeprefix("ENTRY_KIND_").lower()
        left = self.view.skus[entry.sku].available_to_sell(self._channel)
        print(f"{entry.sku} #{entry.sequence} {kind}: {left} to sell on {self._channel}")


async def main() -> int:
    parser = argparse.ArgumentParser(description="Follows the ledger's feed and keeps a local view of stock.")
    parser.add_argument("--state", type=Path, default=Path("channel.json"), help="where view and cursor are kept")
    parser.add_argument("--sku-prefix", default="", help="only SKUs that begin with this")
    parser.add_argument("--channel", default="web", help="the channel that available to sell is told for")
    parser.add_argument("--target", default="127.0.0.1:7400", metavar="HOST:PORT", help="the ledger")
    asked = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    async with connect(asked.target) as connection:
        channel = Channel(FeedServiceStub(connection), asked.state, asked.sku_prefix, asked.channel)
        following = asyncio.create_task(channel.follow())
        for stop in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(stop, following.cancel)
        try:
            await following
        except asyncio.CancelledError:
            print(
                f"stopped: {len(channel.view.skus)} SKUs, {channel.applied} entries applied,"
                f" {channel.repeats} repeats dropped, {channel.age()}"
            )
        except grpc.aio.AioRpcError as error:
            print(f"{error.code().name} {reason(error)}: {error.details()}", file=sys.stderr)
            return 1
        except Gap as gap:
            print(gap, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
