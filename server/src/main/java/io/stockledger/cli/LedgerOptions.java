package io.stockledger.cli;

import io.stockledger.client.LedgerClient;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which ledger a verb speaks to, how long it waits, and how it writes: the options of every client verb. */
public final class LedgerOptions {
    private static final Pattern TARGET = Pattern.compile("(\\[[0-9a-fA-F:.%]+]|[^:/\\s]+):([0-9]{1,5})");
    private static final int PROBE_MS_MAX = 3_000;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--target", paramLabel = "HOST:PORT", defaultValue = "127.0.0.1:7400", order = 100,
            description = "The ledger (default: ${DEFAULT-VALUE}).")
    private String target;

    @Option(names = "--timeout", paramLabel = "TIME", defaultValue = "10s", order = 101,
            description = "How long to wait for an answer (default: ${DEFAULT-VALUE}).")
    private Duration timeout;

    @Option(names = "--json", order = 102, description = "One JSON object a line, with the contract's field names.")
    private boolean json;

    @Option(names = {"-h", "--help"}, usageHelp = true, order = 103, description = "Show this help.")
    private boolean help;

    public boolean json() {
        return json;
    }

    public String target() {
        return target;
    }

    public PrintWriter out() {
        return spec.commandLine().getOut();
    }

    public PrintWriter err() {
        return spec.commandLine().getErr();
    }

    /** A client of the ledger; a {@link Failure} where none answers. */
    public LedgerClient connect() {
        return connect(timeout);
    }

    /** The same, with a time of its own for mutations to get through. */
    LedgerClient connect(Duration mutationTimeout) {
        if (timeout.isZero() || timeout.compareTo(Duration.ofDays(1)) > 0) {
            throw new Failure("--timeout must be above zero and at most 1d");
        }
        probe();
        return LedgerClient.builder(target)
                .principal(System.getProperty("user.name", ""))
                .callTimeout(timeout)
                .mutationTimeout(mutationTimeout)
                .build();
    }

    /**
     * Looks whether anything listens. The client would rightly go on trying for
     * its whole timeout; a person at a terminal wants to hear at once that no
     * ledger was started.
     */
    private void probe() {
        Matcher matcher = TARGET.matcher(target);
        if (!matcher.matches() || Integer.parseInt(matcher.group(2)) > 65_535) {
            throw new Failure("--target must be HOST:PORT, for example 127.0.0.1:7400, not '" + Table.printable(target) + "'");
        }
        String host = matcher.group(1);
        try (Socket socket = new Socket()) {
            InetAddress address = InetAddress.getByName(host);
            socket.connect(new InetSocketAddress(address, Integer.parseInt(matcher.group(2))), PROBE_MS_MAX);
        } catch (UnknownHostException e) {
            throw new Failure("there is no host " + host + "; name the ledger with --target HOST:PORT", e);
        } catch (IOException e) {
            throw new Failure("no ledger answers at " + target
                    + "; start one with './stockledger serve', or name another with --target HOST:PORT", e);
        }
    }
}
