package io.stockledger.loadtest.drill;

import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;

/**
 * A consumer of a named subscription that may be killed at any moment. It notes the entries of each message before it is
 * acknowledged: when, by the clock that all processes of a machine share, and how old each was.
 */
final class ConsumerProcess {
    /**
     * An entry that a consumer was told.
     *
     * @param nanos when, by System.nanoTime
     * @param ageMs how long ago it had been recorded
     */
    record Note(long nanos, long ageMs, long sequence, String sku) {}

    private final String target;
    private final SubscribeRequest request;
    private final Path notes;
    private final double lost;

    /** @param lost the share of its acknowledgements that never leave it */
    ConsumerProcess(String target, String name, String consumer, Path notes, double lost) {
        this.target = target;
        this.request = SubscribeRequest.newBuilder().setName(name).setConsumer(consumer).build();
        this.notes = notes;
        this.lost = lost;
    }

    void run() throws Exception {
        try (FileChannel file = FileChannel.open(notes, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            if (lost > 0) {
                byHand(file);
            } else {
                byTheClient(file);
            }
        }
    }

    private void byTheClient(FileChannel file) throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        LedgerClient client = LedgerClient.connect(target);
        Runtime.getRuntime().addShutdownHook(new Thread(client::close));
        client.subscribe(request, new EntryListener() {
            @Override
            public void onEntries(List<Entry> entries, FeedProgress progress) {
                note(file, entries);
            }

            @Override
            public void onFailed(LedgerException error) {
                System.out.println(error.getMessage());
                ended.countDown();
            }
        });
        ended.await();
    }

    /** Without our client, as other languages do it, so that acknowledgements can be thrown away. */
    private void byHand(FileChannel file) throws InterruptedException {
        Random random = new Random();
        ManagedChannel channel = ManagedChannelBuilder.forTarget(target).usePlaintext().maxInboundMessageSize(64 << 20).build();
        FeedServiceGrpc.FeedServiceBlockingStub feed = FeedServiceGrpc.newBlockingStub(channel);
        while (true) {
            try {
                Iterator<SubscribeResponse> messages = feed.subscribe(request);
                while (messages.hasNext()) {
                    SubscribeResponse message = messages.next();
                    if (message.getEntriesCount() > 0) {
                        note(file, message.getEntriesList());
                    }
                    // Heartbeats too: one speaks for all before it, and so for what was thrown away.
                    if (!message.getAcknowledgement().isEmpty() && random.nextDouble() >= lost) {
                        feed.acknowledgeCursor(AcknowledgeCursorRequest.newBuilder().setName(request.getName())
                                .setConsumer(request.getConsumer()).setAcknowledgement(message.getAcknowledgement()).build());
                    }
                }
            } catch (StatusRuntimeException broken) {
                channel.resetConnectBackoff();
                Thread.sleep(100);
            }
        }
    }

    private static void note(FileChannel file, List<Entry> entries) {
        long now = System.currentTimeMillis();
        StringBuilder text = new StringBuilder();
        for (Entry entry : entries) {
            long recorded = entry.getRecordedAt().getSeconds() * 1000 + entry.getRecordedAt().getNanos() / 1_000_000;
            text.append(System.nanoTime()).append(' ').append(now - recorded).append(' ').append(entry.getSequence()).append(' ')
                    .append(entry.getSku()).append('\n');
        }
        try {
            file.write(StandardCharsets.UTF_8.encode(text.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A process's notes, up to the last whole line. */
    static List<Note> read(Path notes) throws IOException {
        List<Note> read = new ArrayList<>();
        if (!Files.exists(notes)) {
            return read;
        }
        String text = Files.readString(notes);
        for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
            String[] fields = line.split(" ", 4);
            read.add(new Note(Long.parseLong(fields[0]), Long.parseLong(fields[1]), Long.parseLong(fields[2]), fields[3]));
        }
        return read;
    }
}
