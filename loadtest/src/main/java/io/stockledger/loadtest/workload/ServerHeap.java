package io.stockledger.loadtest.workload;

import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.LeftOut;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What a server's heap holds, asked from outside by the JDK's own jcmd. */
final class ServerHeap {
    private final long pid;
    private final String jcmd;

    private ServerHeap(long pid, String jcmd) {
        this.pid = pid;
        this.jcmd = jcmd;
    }

    static ServerHeap of(ServerProcess server) {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        if (!Files.isExecutable(jcmd)) {
            throw new LeftOut("needs jcmd, which a JDK has; " + System.getProperty("java.home") + " is a runtime without it");
        }
        return new ServerHeap(server.pid(), jcmd.toString());
    }

    /** Bytes of all objects that are reachable; counting them is a full collection, a pause for the server. */
    long liveBytes() {
        return atTheEnd(ask("GC.class_histogram"), "Total", 2);
    }

    /** Bytes in use with what is not collected yet; asking costs the server nothing. */
    long usedBytes() {
        for (String line : ask("GC.heap_info")) {
            // garbage-first heap   total 262144K, used 93184K [0x..)
            int at = line.indexOf(" used ");
            if (line.contains("heap") && at >= 0) {
                String number = line.substring(at + " used ".length()).split("[KMG]")[0];
                return Long.parseLong(number.strip()) << 10;
            }
        }
        throw new LeftOut("cannot read this collector's GC.heap_info");
    }

    private long atTheEnd(List<String> lines, String first, int column) {
        for (int i = lines.size() - 1; i >= 0; i--) {
            String[] words = lines.get(i).strip().split("\\s+");
            if (words[0].equals(first) && words.length > column) {
                return Long.parseLong(words[column]);
            }
        }
        throw new LeftOut("cannot read this JVM's GC.class_histogram");
    }

    private List<String> ask(String what) {
        try {
            Process process = new ProcessBuilder(jcmd, Long.toString(pid), what).redirectErrorStream(true).start();
            List<String> lines = new ArrayList<>(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList());
            if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IllegalStateException("jcmd " + what + " failed: " + lines);
            }
            return lines;
        } catch (IOException e) {
            throw new IllegalStateException("jcmd could not be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while jcmd ran", e);
        }
    }
}
