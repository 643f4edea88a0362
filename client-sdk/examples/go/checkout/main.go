// A checkout: hold the units while the shopper pays, commit them when the order is placed, let them leave.
//
//	go run ./checkout MUG-GREEN order-1001
//
// Run it twice with the same order: nothing happens twice. Exit code 2: the ledger refused.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"stockledger.io/examples/ledger"
	pb "stockledger.io/examples/stockledgerv1"
)

const (
	hold     = 15 * time.Minute
	oneTry   = 5 * time.Second  // what one copy of a mutation may take
	patience = 30 * time.Second // how long the ledger may still decide it, whichever copy arrives
)

func main() {
	target := flag.String("target", "127.0.0.1:7400", "the ledger's `host:port`")
	quantity := flag.Int64("quantity", 1, "units to buy")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: checkout [flags] SKU ORDER\nORDER is the order's own key, up to 57 characters.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(1)
	}
	sold, err := run(*target, flag.Arg(0), flag.Arg(1), *quantity)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case !sold:
		os.Exit(2)
	}
}

func run(target, sku, order string, quantity int64) (sold bool, err error) {
	connection, err := ledger.Connect(target)
	if err != nil {
		return false, err
	}
	defer connection.Close()
	till := &checkout{pb.NewLedgerServiceClient(connection)}
	return till.buy(context.Background(), sku, order, quantity)
}

type checkout struct {
	ledger pb.LedgerServiceClient
}

// buy sells under the order's own key. Whoever runs it again after a crash gets the same reservation, not another.
func (c *checkout) buy(ctx context.Context, sku, order string, quantity int64) (sold bool, err error) {
	held, err := c.ask(ctx, &pb.Mutation{
		MutationId: order,
		Sku:        sku,
		Channel:    "web",
		Reference:  order,
		Operation: &pb.Mutation_Reserve{Reserve: &pb.Reserve{
			Quantity:   quantity,
			TimeToLive: durationpb.New(hold),
		}},
	})
	if err != nil {
		return false, err
	}
	if refusal := held.GetRefusal(); refusal != nil {
		fmt.Printf("sorry: %s, %d available\n", why(refusal), refusal.Available)
		return false, nil
	}
	until := held.GetApplied().ExpiresAt.AsTime().Format(time.RFC3339)
	fmt.Printf("held %d %s until %s%s\n", quantity, sku, until, again(held))

	// ... the shopper pays. The units are promised to the order; the hold no longer expires.
	steps := []struct {
		name     string
		mutation *pb.Mutation
	}{
		{"placed", &pb.Mutation{Operation: &pb.Mutation_Commit{Commit: &pb.Commit{ReservationId: order}}}},
		{"left", &pb.Mutation{Operation: &pb.Mutation_Fulfill{Fulfill: &pb.Fulfill{ReservationId: order}}}},
	}
	for _, step := range steps {
		step.mutation.MutationId, step.mutation.Sku = order+"/"+step.name, sku
		done, err := c.ask(ctx, step.mutation)
		if err != nil {
			return false, err
		}
		if refusal := done.GetRefusal(); refusal != nil { // the hold had expired before the shopper paid
			fmt.Printf("not %s: %s\n", step.name, why(refusal))
			return false, nil
		}
		fmt.Printf("%s, entry %d%s\n", step.name, done.GetApplied().Sequence, again(done))
	}
	return true, nil
}

// ask asks for one mutation until there is an answer. A refusal is an answer, not an error.
//
// Where an answer was lost, the mutation may be in the journal or not: the same bytes are sent again. The ledger knows
// the id, so it is applied once, however often it travels.
func (c *checkout) ask(ctx context.Context, mutation *pb.Mutation) (*pb.MutationResult, error) {
	// Past this time, by its own clock, the ledger decides no copy any more. Without it a copy that the network held
	// back could still take the units after this shopper was told "try later" and left.
	mutation.NotAfter = timestamppb.New(time.Now().Add(patience))
	request := &pb.ApplyMutationRequest{Mutation: mutation}

	// A little longer than that, to hear the last word: the outcome, or NOT_AFTER_PASSED (not applied, and never).
	giveUp := time.Now().Add(patience + 2*oneTry)
	for try := 1; ; try++ {
		answer, err := c.once(ctx, request)
		if err == nil {
			return answer.Result, nil
		}
		wait := ledger.RetryDelay(err)
		if wait == 0 && ledger.AnswerLost(err) {
			wait = ledger.Backoff(try)
		}
		if wait == 0 || time.Now().Add(wait).After(giveUp) {
			// The caller's mistake, or nobody to ask: the same id may be asked again, even tomorrow.
			return nil, ledger.Explain(err)
		}
		fmt.Fprintf(os.Stderr, "no answer (%s); sending %s again in %v\n",
			ledger.Why(err), mutation.MutationId, wait.Round(time.Millisecond))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *checkout) once(ctx context.Context, request *pb.ApplyMutationRequest) (*pb.ApplyMutationResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	return c.ledger.ApplyMutation(ctx, request)
}

func why(refusal *pb.Refusal) string {
	return strings.TrimPrefix(refusal.Reason.String(), "REFUSAL_REASON_")
}

func again(result *pb.MutationResult) string {
	if result.GetApplied().Replayed {
		return " (replayed: it was so before this call)"
	}
	return ""
}
