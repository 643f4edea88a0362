package io.stockledger.server.api;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.util.Durations;
import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.grpc.stub.ServerCallStreamObserver;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.SnapshotCodec;
import io.stockledger.server.projection.Freshness;
import io.stockledger.server.projection.Listing;
import io.stockledger.server.projection.Projection;
import io.stockledger.server.projection.Rebuild;
import io.stockledger.server.projection.ReservationFilter;
import io.stockledger.server.projection.ReservationPlace;
import io.stockledger.server.projection.StockFilter;
import io.stockledger.server.projection.StockPlace;
import io.stockledger.v1.ListReservationsRequest;
import io.stockledger.v1.ListReservationsResponse;
import io.stockledger.v1.ListStockRequest;
import io.stockledger.v1.ListStockResponse;
import io.stockledger.v1.ProjectedStock;
import io.stockledger.v1.ProjectionFreshness;
import io.stockledger.v1.RebuildProjectionResponse;
import io.stockledger.v1.ReservationState;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The calls that read the projection, and its rebuild: on threads of their own, so that no checkout waits behind them. */
final class ProjectionApi {
    private static final long TELL_EVERY_MS = 500;
    private static final Status OFF = Errors.status(Code.FAILED_PRECONDITION, "PROJECTION_OFF",
            "the ledger's settings turn the projection off (stockledger.projection.enabled)");
    private static final Status BUILDING = Errors.status(Code.UNAVAILABLE, "PROJECTION_BUILDING",
            "the projection is being built and has never been complete yet; ask again");
    private static final Status TOO_LONG = Errors.status(Code.RESOURCE_EXHAUSTED, "LISTING_TOO_LONG",
            "what was asked for takes too long to find; narrow it by a SKU prefix or a location");
    private static final Status UNDER_WAY = Errors.status(Code.FAILED_PRECONDITION, "REBUILD_UNDER_WAY",
            "the projection is being built already, and that goes on by itself");

    private final Optional<Projection> projection;
    private final Feed feed;
    private final Reads reads;
    private final Reads rebuilds;
    private final int answerBytesMax;
    private final InstantSource clock;

    ProjectionApi(Optional<Projection> projection, Feed feed, Reads reads, Reads rebuilds, int answerBytesMax,
            InstantSource clock) {
        this.projection = projection;
        this.feed = feed;
        this.reads = reads;
        this.rebuilds = rebuilds;
        this.answerBytesMax = answerBytesMax;
        this.clock = clock;
    }

    void listStock(ListStockRequest request, Answer<ListStockResponse> answer) {
        try {
            Projection from = projection.orElseThrow(() -> new InvalidRequest(OFF));
            int size = Fields.pageSize(request.getPageSize());
            StockFilter filter = new StockFilter(
                    Fields.text("sku_prefix", request.getSkuPrefix(), Fields.SKU_MAX),
                    Fields.text("location", request.getLocation(), Fields.LOCATION_MAX),
                    request.hasAvailableBelow() ? OptionalLong.of(request.getAvailableBelow()) : OptionalLong.empty());
            String channel = Fields.text("channel", request.getChannel(), Fields.CHANNEL_MAX);
            ListStockRequest asked = request.toBuilder().clearPageSize().clearPageToken().build();
            Optional<PageToken> token = PageToken.read(request.getPageToken(), asked);
            reads.run(answer::fail, () -> page(
                    from.stock(filter, token.map(place -> new StockPlace(place.sku(), place.more())), size), answer,
                    row -> stock(row, channel), asked, row -> new PageToken(row.getSku(), row.getBalance().getLocation()),
                    (rows, next, freshness) -> ListStockResponse.newBuilder()
                            .addAllStocks(rows).setNextPageToken(next).setFreshness(freshness).build()));
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    void listReservations(ListReservationsRequest request, Answer<ListReservationsResponse> answer) {
        try {
            Projection from = projection.orElseThrow(() -> new InvalidRequest(OFF));
            int size = Fields.pageSize(request.getPageSize());
            if (request.getState() == ReservationState.UNRECOGNIZED) {
                throw InvalidRequest.field("state", "is no state that this ledger knows");
            }
            ReservationFilter filter = new ReservationFilter(
                    request.getSku().isEmpty() ? "" : Fields.sku("sku", request.getSku()),
                    Fields.text("sku_prefix", request.getSkuPrefix(), Fields.SKU_MAX),
                    Fields.text("location", request.getLocation(), Fields.LOCATION_MAX),
                    Fields.text("channel", request.getChannel(), Fields.CHANNEL_MAX),
                    request.getState() == ReservationState.RESERVATION_STATE_OPEN,
                    request.getState() == ReservationState.RESERVATION_STATE_CLOSED);
            ListReservationsRequest asked = request.toBuilder().clearPageSize().clearPageToken().build();
            Optional<PageToken> token = PageToken.read(request.getPageToken(), asked);
            reads.run(answer::fail, () -> page(
                    from.reservations(filter, token.map(place -> new ReservationPlace(place.sku(), place.more())), size), answer,
                    row -> SnapshotCodec.toContract(row.sku(), row.reservation()), asked,
                    row -> new PageToken(row.getSku(), row.getReservationId()),
                    (rows, next, freshness) -> ListReservationsResponse.newBuilder()
                            .addAllReservations(rows).setNextPageToken(next).setFreshness(freshness).build()));
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    /** Puts a page's answer together. */
    private interface PageOf<T, A> {
        A of(List<T> rows, String nextPageToken, ProjectionFreshness freshness);
    }

    private <R, T extends Message, A> void page(Listing<R> listing, Answer<A> answer, Function<R, T> told, Message asked,
            Function<T, PageToken> place, PageOf<T, A> response) {
        if (listing instanceof Listing.NotBuilt<R>) {
            answer.fail(BUILDING);
        } else if (listing instanceof Listing.TookTooLong<R>) {
            answer.fail(TOO_LONG);
        } else if (listing instanceof Listing.Page<R> page) {
            List<T> rows = new ArrayList<>(page.rows().size());
            boolean more = page.more();
            long bytes = 0;
            for (R row : page.rows()) {
                T next = told.apply(row);
                bytes += next.getSerializedSize();
                if (bytes > answerBytesMax && !rows.isEmpty()) {
                    more = true;
                    break;
                }
                rows.add(next);
            }
            String token = more ? place.apply(rows.get(rows.size() - 1)).write(asked) : "";
            answer.give(response.of(rows, token, freshness(page.freshness())));
        }
    }

    private static ProjectedStock stock(io.stockledger.server.projection.ProjectedStock row, String channel) {
        Balance balance = row.balance();
        return ProjectedStock.newBuilder()
                .setSku(row.sku())
                .setBalance(EntryCodec.toContract(balance))
                .setAvailableToSell(balance.availableToSell(channel))
                .setOnHand(balance.onHand())
                .setSequence(row.sequence())
                .setRecordedAt(EntryCodec.timestamp(row.recordedAtMs()))
                .build();
    }

    private ProjectionFreshness freshness(Freshness freshness) {
        return ProjectionFreshness.newBuilder()
                .setCursor(ByteString.copyFrom(feed.bytesOf(freshness.cursor())))
                .setAsOfTime(EntryCodec.timestamp(freshness.asOfMs()))
                .setAge(Durations.fromMillis(Math.max(0, clock.millis() - freshness.asOfMs())))
                .build();
    }

    // ---- Rebuild ----

    void rebuild(ServerCallStreamObserver<RebuildProjectionResponse> answers) {
        // Without a handler an answer to a caller who hung up would throw.
        answers.setOnCancelHandler(() -> { });
        if (projection.isEmpty()) {
            answers.onError(Errors.exception(OFF));
            return;
        }
        Projection built = projection.get();
        rebuilds.run(status -> answers.onError(Errors.exception(status)), () -> {
            if (built.askForRebuild()) {
                watch(built, answers);
            } else {
                answers.onError(Errors.exception(UNDER_WAY));
            }
        });
    }

    /** Tells how far it is as long as somebody listens; one who reads slowly hears less often. */
    private static void watch(Projection built, ServerCallStreamObserver<RebuildProjectionResponse> answers) throws SQLException {
        try {
            while (!answers.isCancelled()) {
                Rebuild rebuild = built.rebuild();
                if (!rebuild.underWay()) {
                    answers.onNext(RebuildProjectionResponse.newBuilder()
                            .setEntries(rebuild.entriesShown()).setEntriesExpected(rebuild.entriesShown()).setDone(true).build());
                    answers.onCompleted();
                    return;
                }
                if (answers.isReady()) {
                    answers.onNext(RebuildProjectionResponse.newBuilder()
                            .setEntries(rebuild.entries()).setEntriesExpected(rebuild.entriesShown()).build());
                }
                TimeUnit.MILLISECONDS.sleep(TELL_EVERY_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            answers.onError(Errors.exception(Errors.status(Code.UNAVAILABLE, "SHUTTING_DOWN",
                    "the ledger stops; the rebuild goes on when it is started again")));
        }
    }

    // ---- Pages ----

    /** The last row of a page; bound to its request, so that a token of another one is refused. */
    private record PageToken(String sku, String more) {
        String write(Message asked) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (DataOutputStream out = new DataOutputStream(bytes)) {
                out.writeInt(asked.toByteString().hashCode());
                out.writeUTF(sku);
                out.writeUTF(more);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.toByteArray());
        }

        static Optional<PageToken> read(String token, Message asked) throws InvalidRequest {
            if (token.isEmpty()) {
                return Optional.empty();
            }
            try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(Base64.getUrlDecoder().decode(token)))) {
                if (in.readInt() == asked.toByteString().hashCode()) {
                    // Checked as any text from outside: the database takes no NUL.
                    PageToken place = new PageToken(Fields.sku("page_token", in.readUTF()), Fields.text("page_token", in.readUTF(), Fields.SKU_MAX));
                    if (in.read() < 0) {
                        return Optional.of(place);
                    }
                }
            } catch (IOException | IllegalArgumentException notOurs) {
                // Told below.
            }
            throw InvalidRequest.field("page_token", "is not one that this request was given");
        }
    }
}
