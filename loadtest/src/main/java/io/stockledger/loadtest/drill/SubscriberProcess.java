package io.stockledger.loadtest.drill;

import com.google.protobuf.ByteString;
import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.v1.Entry;
import io.stockledger.v1.SubscribeRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * A subscriber that may be killed at any moment. It notes the entries of a message and the cursor after them in one
 * write; begun again, it goes on after the last whole cursor, as a consumer with a transaction would.
 */
final class SubscriberProcess {
    private static final String CURSOR = "cursor ";

    private final String target;
    private final Path notes;

    SubscriberProcess(String target, Path notes) {
        this.target = target;
        this.notes = notes;
    }

    void run() throws Exception {
        List<String> whole = new ArrayList<>();
        ByteString cursor = whole(notes, whole);
        Files.write(notes, whole);
        SubscribeRequest request = cursor.isEmpty() ? SubscribeRequest.newBuilder().setFromBeginning(true).build()
                : SubscribeRequest.newBuilder().setAfterCursor(cursor).build();
        CountDownLatch ended = new CountDownLatch(1);
        try (LedgerClient client = LedgerClient.connect(target);
                FileChannel file = FileChannel.open(notes, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            client.subscribe(request, new EntryListener() {
                @Override
                public void onEntries(List<Entry> entries, FeedProgress progress) {
                    StringBuilder text = new StringBuilder();
                    entries.forEach(entry -> text.append(entry.getSequence()).append(' ').append(entry.getSku()).append('\n'));
                    text.append(CURSOR).append(HexFormat.of().formatHex(progress.cursor().toByteArray())).append('\n');
                    try {
                        file.write(StandardCharsets.UTF_8.encode(text.toString()));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }

                @Override
                public void onFailed(LedgerException error) {
                    System.out.println(error.getMessage());
                    ended.countDown();
                }
            });
            ended.await();
        }
    }

    /** The notes up to their last whole cursor, and that cursor; empty before there is one. */
    static ByteString whole(Path notes, List<String> into) throws IOException {
        if (!Files.exists(notes)) {
            return ByteString.EMPTY;
        }
        String text = Files.readString(notes);
        String[] lines = text.substring(0, text.lastIndexOf('\n') + 1).split("\n");
        int last = lines.length - 1;
        while (last >= 0 && !lines[last].startsWith(CURSOR)) {
            last--;
        }
        into.addAll(java.util.Arrays.asList(lines).subList(0, last + 1));
        return last < 0 ? ByteString.EMPTY : ByteString.copyFrom(HexFormat.of().parseHex(lines[last].substring(CURSOR.length())));
    }

    /** What the notes tell of, entry by entry. */
    static void tell(Path notes, Heard record) throws IOException {
        List<String> lines = new ArrayList<>();
        whole(notes, lines);
        for (String line : lines) {
            if (!line.startsWith(CURSOR)) {
                int space = line.indexOf(' ');
                record.note(line.substring(space + 1), Long.parseLong(line.substring(0, space)));
            }
        }
    }
}
