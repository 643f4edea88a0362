package io.stockledger.client;

import com.google.protobuf.ByteString;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;

/**
 * A stock view on disk: what it held at a cursor, so that its next process need not read all stock again. A new
 * snapshot takes the old one's place only once it is whole and on disk, so whenever a writer dies there is one; a
 * file that is damaged, of another layout or of another selection of SKUs is told from a good one and never used.
 *
 * <pre>
 *   byte8  magic, "SLVIEW" and the layout's number, "01"
 *   int32  length; the selection: a SubscribeRequest of filter and share
 *   int32  length; the cursor
 *   int64  complete time, seconds since 1970; int32, its nanoseconds
 *   int32  number of SKUs; so many Stock, each with its length before it as protobuf delimits messages
 *   int64  CRC-32C of all bytes before
 * </pre>
 */
final class ViewFile {

    private static final byte[] MAGIC = {'S', 'L', 'V', 'I', 'E', 'W', '0', '1'};
    private static final int CHECKSUM_BYTES = Long.BYTES;

    private final Path path;
    private final ByteString selection;

    /**
     * What a view held.
     *
     * @param cursor its stock reflects the feed up to here at least, and each SKU says how far itself
     * @param completeTime by the ledger's clock
     */
    record Held(ByteString cursor, Instant completeTime, Map<String, SkuStock> stocks) {}

    /** What was found in place of a snapshot. */
    static final class UnusableException extends Exception {
        private static final long serialVersionUID = 1L;

        private UnusableException(String why, Throwable cause) {
            super(why, cause);
        }
    }

    ViewFile(Path path, FeedFilter filter, Share share) {
        this.path = path.toAbsolutePath();
        this.selection = SubscribeRequest.newBuilder()
                .setFilter(filter)
                .setShare(share)
                .build()
                .toByteString();
    }

    Path path() {
        return path;
    }

    /** Puts a new snapshot in the place of the old one. */
    void write(Held held) throws IOException {
        Path draft = path.resolveSibling(path.getFileName() + ".draft");
        try (FileChannel file = FileChannel.open(
                draft, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            CheckedOutputStream sum = new CheckedOutputStream(
                    new BufferedOutputStream(Channels.newOutputStream(file), 1 << 16), new CRC32C());
            DataOutputStream out = new DataOutputStream(sum);
            out.write(MAGIC);
            write(out, selection);
            write(out, held.cursor);
            out.writeLong(held.completeTime.getEpochSecond());
            out.writeInt(held.completeTime.getNano());
            out.writeInt(held.stocks.size());
            for (Map.Entry<String, SkuStock> sku : held.stocks.entrySet()) {
                Stock.newBuilder()
                        .setSku(sku.getKey())
                        .setSequence(sku.getValue().sequence())
                        .addAllBalances(sku.getValue().balances())
                        .build()
                        .writeDelimitedTo(out);
            }
            out.writeLong(sum.getChecksum().getValue());
            out.flush();
            // Before it gets its name: a name that survives a power cut must not stand for bytes that do not.
            file.force(true);
        }
        Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** The snapshot; empty where there is no file. */
    Optional<Held> read(int balancesMax) throws UnusableException {
        try {
            requireWhole();
            return Optional.of(parsed(balancesMax));
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            throw unusable("can't be read: " + e, e);
        }
    }

    /** First of all, so that nothing below has to mistrust a length. */
    private void requireWhole() throws IOException, UnusableException {
        CRC32C sum = new CRC32C();
        try (InputStream file = new BufferedInputStream(Files.newInputStream(path))) {
            long left = Files.size(path) - CHECKSUM_BYTES;
            if (left < MAGIC.length || !Arrays.equals(file.readNBytes(MAGIC.length), MAGIC)) {
                throw unusable("is no snapshot of a stock view, or of another layout", null);
            }
            sum.update(MAGIC);
            left -= MAGIC.length;
            byte[] piece = new byte[1 << 16];
            while (left > 0) {
                int read = file.read(piece, 0, (int) Math.min(piece.length, left));
                if (read < 0) {
                    throw new EOFException("it became shorter");
                }
                sum.update(piece, 0, read);
                left -= read;
            }
            if (new DataInputStream(file).readLong() != sum.getValue()) {
                throw unusable("is damaged: its checksum is not that of its bytes", null);
            }
        }
    }

    private Held parsed(int balancesMax) throws IOException, UnusableException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(path), 1 << 16))) {
            in.skipNBytes(MAGIC.length);
            if (!ByteString.copyFrom(in.readNBytes(in.readInt())).equals(selection)) {
                throw unusable("is of a view with another filter or share", null);
            }
            ByteString cursor = ByteString.copyFrom(in.readNBytes(in.readInt()));
            Instant completeTime = Instant.ofEpochSecond(in.readLong(), in.readInt());
            Map<String, SkuStock> stocks = new HashMap<>();
            long balances = 0;
            for (int left = in.readInt(); left > 0; left--) {
                Stock stock = Stock.parseDelimitedFrom(in);
                balances += stock.getBalancesCount();
                if (balances > balancesMax) {
                    throw unusable("holds more than the " + balancesMax + " balances that this view may", null);
                }
                stocks.put(stock.getSku(), SkuStock.of(stock));
            }
            return new Held(cursor, completeTime, stocks);
        }
    }

    private static void write(DataOutputStream out, ByteString bytes) throws IOException {
        out.writeInt(bytes.size());
        bytes.writeTo(out);
    }

    private UnusableException unusable(String why, Throwable cause) {
        return new UnusableException(path + " " + why, cause);
    }
}
