package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "stockledger.io/examples/stockledgerv1"
)

// view is stock as this process knows it, and the cursor that it stands at: the two move together, and are stored
// together.
type view struct {
	Cursor []byte               `json:"cursor"` // empty: it knows nothing yet, and has to begin with initial stock
	SKUs   map[string]*skuStock `json:"skus"`
}

// skuStock is one SKU: the last entry that it reflects, and its balances by location.
type skuStock struct {
	Sequence int64              `json:"sequence"`
	Balances map[string]balance `json:"balances"`
}

// balance is the ledger's own message, in JSON as protobuf writes it.
type balance struct{ *pb.LocationBalance }

func (b balance) MarshalJSON() ([]byte, error) { return protojson.Marshal(b.LocationBalance) }

func (b *balance) UnmarshalJSON(data []byte) error {
	b.LocationBalance = &pb.LocationBalance{}
	return protojson.Unmarshal(data, b.LocationBalance)
}

// begin replaces all that the view knows by initial stock.
func (v *view) begin(stocks []*pb.Stock) {
	v.SKUs = make(map[string]*skuStock, len(stocks))
	for _, stock := range stocks {
		known := v.sku(stock.Sku)
		known.Sequence = stock.Sequence
		known.set(stock.Balances)
	}
}

// apply applies an entry once; false where it had been applied before, as after a reconnect.
func (v *view) apply(entry *pb.Entry) (bool, error) {
	known := v.sku(entry.Sku)
	if entry.Sequence <= known.Sequence {
		return false, nil
	}
	if entry.Sequence != known.Sequence+1 { // never to be passed over in silence
		return false, fmt.Errorf("a gap: entry %d of %s follows %d", entry.Sequence, entry.Sku, known.Sequence)
	}
	// An entry tells the balances after it, so there is no arithmetic to do, and none to get wrong: a kind that this
	// program has never heard of is applied as well.
	known.Sequence = entry.Sequence
	known.set(entry.Balances)
	return true, nil
}

func (v *view) sku(sku string) *skuStock {
	known := v.SKUs[sku]
	if known == nil {
		known = &skuStock{Balances: map[string]balance{}}
		v.SKUs[sku] = known
	}
	return known
}

func (s *skuStock) set(balances []*pb.LocationBalance) {
	for _, told := range balances {
		s.Balances[told.Location] = balance{told}
	}
}

// availableToSell is what Reserve and Sell would go by on the channel, over all locations; the formula is in
// stock.proto.
func (s *skuStock) availableToSell(channel string) int64 {
	var sum int64
	for _, at := range s.Balances {
		free := at.Available - at.SafetyStock
		for _, share := range at.Allocations {
			if share.Channel != channel {
				free -= max(0, share.Guaranteed-share.Used)
			}
		}
		for _, share := range at.Allocations {
			if share.Channel == channel && share.Maximum != nil {
				free = min(free, *share.Maximum-share.Used)
			}
		}
		sum += max(0, free)
	}
	return sum
}

// load reads the view that was kept; one that knows nothing where there is none.
func load(path string) (*view, error) {
	v := &view{SKUs: map[string]*skuStock{}}
	kept, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(kept, v); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// save keeps view and cursor in one file, whole or not at all: a cursor ahead of its view would lose entries. With a
// database in place of the file, both go into one transaction.
func (v *view) save(path string) error {
	kept, err := json.Marshal(v)
	if err != nil {
		return err
	}
	file, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(kept); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// feedClock says how old the view may be, without two clocks having to agree.
//
// Of each message is known when the ledger made it, by its clock, and when it arrived, by this process's steady one.
// The message that was fastest on its way tells the difference of the clocks best; a slower one only looks older.
type feedClock struct {
	started  time.Time     // where this process's steady clock is counted from
	heard    time.Duration // when the last message came, since started
	ahead    time.Duration // the ledger's clock, since 1970, less ours
	complete time.Duration // by the ledger's clock, since 1970; 0 before the first
}

// told notes a message. Without a complete_time, while the feed catches up, the last one stands and grows old.
func (c *feedClock) told(ledgerTime, completeTime *timestamppb.Timestamp) {
	first := c.started.IsZero()
	if first {
		c.started = time.Now()
	}
	now := time.Since(c.started)
	ahead := sinceEpoch(ledgerTime) - now
	// Clocks drift apart by less than 100 millionths; so a difference that was seen long ago fades.
	if faded := c.ahead - (now-c.heard)/10_000; !first && faded > ahead {
		ahead = faded
	}
	c.ahead, c.heard = ahead, now
	if completeTime != nil {
		c.complete = sinceEpoch(completeTime)
	}
}

// staleness is a bound: all that the ledger committed longer ago than that is in the view. False before the first.
func (c *feedClock) staleness() (time.Duration, bool) {
	if c.complete == 0 {
		return 0, false
	}
	return max(0, time.Since(c.started)+c.ahead-c.complete), true
}

func sinceEpoch(t *timestamppb.Timestamp) time.Duration { return time.Duration(t.AsTime().UnixNano()) }
