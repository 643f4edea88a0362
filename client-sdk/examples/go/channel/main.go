// A channel: follows the ledger's feed, keeps a local view of stock, and knows how old it is.
//
//	go run ./channel -state channel.json
//
// Ctrl-C ends it; started again it goes on where it was.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"stockledger.io/examples/ledger"
	pb "stockledger.io/examples/stockledgerv1"
)

const (
	heartbeat = time.Second   // between messages at most, as asked of the ledger
	silence   = 5 * heartbeat // a feed without a message for so long is broken, whatever the connection says
	saveEvery = time.Second   // what is lost with a crash is told again
)

var errSilence = errors.New("no heartbeat")

func main() {
	target := flag.String("target", "127.0.0.1:7400", "the ledger's `host:port`")
	state := flag.String("state", "channel.json", "the `file` where view and cursor are kept")
	prefix := flag.String("sku-prefix", "", "only SKUs that begin with this")
	name := flag.String("channel", "web", "the channel that available to sell is told for")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *target, *state, *prefix, *name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, target, state, prefix, name string) error {
	connection, err := ledger.Connect(target)
	if err != nil {
		return err
	}
	defer connection.Close()
	kept, err := load(state)
	if err != nil {
		return err
	}
	c := &channel{feed: pb.NewFeedServiceClient(connection), view: kept, state: state, prefix: prefix, name: name}
	if err := c.follow(ctx); err != nil {
		return err
	}
	fmt.Printf("stopped: %d SKUs, %d entries applied, %d repeats dropped, %s\n",
		len(c.view.SKUs), c.applied, c.repeats, c.age())
	return nil
}

// channel is one channel's view of stock, which it keeps up to date on one goroutine; for readers on others put a
// sync.RWMutex around the view.
type channel struct {
	feed                pb.FeedServiceClient
	view                *view
	clock               feedClock
	state, prefix, name string

	gathering        []*pb.Stock // initial stock that is not complete yet
	saved            time.Time
	failures         int
	applied, repeats int
}

// follow follows the feed, over any number of broken connections, until ctx ends.
func (c *channel) follow(ctx context.Context) (err error) {
	if len(c.view.Cursor) > 0 {
		fmt.Printf("resuming with %d SKUs\n", len(c.view.SKUs))
	} else {
		fmt.Println("beginning with initial stock")
	}
	defer func() {
		if len(c.view.Cursor) > 0 {
			err = errors.Join(err, c.view.save(c.state))
		}
	}()
	for {
		err := c.listen(ctx)
		why := ""
		switch {
		case ctx.Err() != nil:
			return nil
		case ledger.Reason(err) == "CURSOR_EXPIRED":
			// The ledger came back from a backup, perhaps without entries that this view has applied.
			fmt.Println("the cursor has expired: beginning again with initial stock")
			c.view.Cursor = nil
			continue
		case errors.Is(err, io.EOF):
			why = "it ended the stream"
		case errors.Is(err, errSilence):
			why = err.Error()
		case forGood(err):
			return ledger.Explain(err)
		default:
			why = ledger.Why(err)
		}
		c.failures++
		if c.failures == 1 {
			fmt.Printf("lost the ledger (%s); the view is %s; trying until it is back\n", why, c.age())
		}
		select {
		case <-time.After(ledger.Backoff(c.failures)):
		case <-ctx.Done():
			return nil
		}
	}
}

// listen takes one subscription's messages until it breaks; errSilence where none comes, not even a heartbeat.
func (c *channel) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(silence, func() { cancel(errSilence) })
	defer watchdog.Stop()

	request := &pb.SubscribeRequest{
		// SKUs may be chosen. Locations, channels or kinds may not: without every entry of a SKU its balances would be
		// wrong.
		Filter:              &pb.FeedFilter{SkuPrefix: c.prefix},
		HeartbeatIntervalMs: int32(heartbeat.Milliseconds()),
	}
	if len(c.view.Cursor) > 0 {
		request.Start = &pb.SubscribeRequest_AfterCursor{AfterCursor: c.view.Cursor}
	} else {
		request.Start = &pb.SubscribeRequest_FromNow{FromNow: true}
		request.InitialStock = true
	}
	c.gathering = nil
	messages, err := c.feed.Subscribe(ctx, request)
	if err != nil {
		return err
	}
	for {
		message, err := messages.Recv()
		if errors.Is(context.Cause(ctx), errSilence) {
			return errSilence
		}
		if err != nil {
			return err
		}
		watchdog.Reset(silence)
		if err := c.take(message); err != nil {
			return err
		}
		c.failures = 0
	}
}

func (c *channel) take(message *pb.SubscribeResponse) error {
	// Initial stock is gathered beside the old view, which stays readable until the new one is whole.
	c.gathering = append(c.gathering, message.Stocks...)
	if message.StockComplete {
		c.view.begin(c.gathering)
		c.gathering = nil
		fmt.Printf("initial stock of %d SKUs\n", len(c.view.SKUs))
	}
	for _, entry := range message.Entries {
		isNew, err := c.view.apply(entry)
		if err != nil {
			return err
		}
		if isNew {
			c.applied++
			c.show(entry)
		} else {
			c.repeats++
		}
	}
	if len(message.Cursor) > 0 { // there is none in the middle of initial stock
		c.view.Cursor = message.Cursor
	}
	c.clock.told(message.LedgerTime, message.CompleteTime)
	if message.CaughtUp {
		fmt.Printf("caught up, %s\n", c.age())
	}
	// Not after each message: a view of a million SKUs is not written anew for each sale. A cursor that is kept late is
	// safe, since its view is as old; one that is kept early is not.
	if len(c.view.Cursor) > 0 && time.Since(c.saved) >= saveEvery {
		c.saved = time.Now()
		return c.view.save(c.state)
	}
	return nil
}

func (c *channel) show(entry *pb.Entry) {
	kind := strings.ToLower(strings.TrimPrefix(entry.Kind.String(), "ENTRY_KIND_"))
	left := c.view.sku(entry.Sku).availableToSell(c.name)
	fmt.Printf("%s #%d %s: %d to sell on %s\n", entry.Sku, entry.Sequence, kind, left, c.name)
}

// age says how old the view may be, for people.
func (c *channel) age() string {
	staleness, known := c.clock.staleness()
	if !known {
		return "of unknown age"
	}
	return fmt.Sprintf("%d ms old", (staleness + time.Millisecond - 1).Milliseconds()) // a bound is rounded up
}

// forGood tells an error that coming back would not change: the request is wrong, the journal is damaged, or the
// trouble is here and not gRPC's at all (a gap, a full disk).
func forGood(err error) bool {
	told, ok := status.FromError(err)
	if !ok {
		return true
	}
	switch told.Code() {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented, codes.Unauthenticated,
		codes.PermissionDenied, codes.DataLoss:
		return true
	default:
		return false
	}
}
