package io.stockledger.loadtest.baseline;

import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.LeftOut;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.workload.Plots;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;

/**
 * A script in Redis that keeps the ledger's promises as far as Redis can: it checks, decrements, remembers the id and
 * appends to a stream, and {@code appendfsync always} has it on disk before the answer. Started here, where there is a
 * redis-server on the PATH.
 */
public final class Redis implements Workload {
    /** KEYS: stock, id, ledger. 1: sold, 0: not enough, 2: this id was sold before. */
    private static final String SELL = """
            if redis.call('EXISTS', KEYS[2]) == 1 then return 2 end
            if tonumber(redis.call('GET', KEYS[1])) < 1 then return 0 end
            redis.call('DECR', KEYS[1])
            redis.call('SET', KEYS[2], '1', 'EX', 604800)
            redis.call('XADD', KEYS[3], '*', 'id', KEYS[2], 'quantity', '1')
            return 1
            """;

    @Override
    public String name() {
        return "redis";
    }

    @Override
    public String group() {
        return "baseline";
    }

    @Override
    public String about() {
        return "baseline: one SKU, a Lua script in Redis with appendfsync always, 1 to 512 clients; where redis-server is on the PATH";
    }

    @Override
    public double seconds(Settings settings) {
        return program().isEmpty() ? 0 : settings.seconds(RowLock.CALLERS.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        String program = program().orElseThrow(() -> new LeftOut("redis-server is not on this machine"));
        int port = start(ground, program);
        String script;
        try (Jedis redis = new Jedis("127.0.0.1", port)) {
            redis.set("stock", "1000000000000");
            script = redis.scriptLoad(SELL);
        }
        String ids = ground.fresh("rd");
        AtomicLong numbers = new AtomicLong();
        for (int callers : RowLock.CALLERS) {
            String name = "redis-" + callers;
            ground.add(Figure.of(name, "Redis, hot SKU, " + Plots.callers(callers), ground.peak(name, Callers.threads(callers, caller -> {
                Jedis redis = ground.keep(new Jedis("127.0.0.1", port));
                return () -> {
                    Object sold = redis.evalsha(script, List.of("stock", "id:" + ids + "-" + numbers.getAndIncrement(), "ledger"), List.of());
                    if (!Long.valueOf(1).equals(sold)) {
                        throw new IllegalStateException("a sale in Redis was refused: " + sold);
                    }
                };
            })).rounds(), "mutations/s").on(Plots.HOT.at("Redis, appendfsync always", callers)).note("a connection of its own for each client"));
        }
    }

    private static int start(Ground ground, String program) throws IOException, InterruptedException {
        Path folder = Files.createDirectories(ground.folder().resolve("redis"));
        int port = ServerProcess.freePort();
        Process redis = new ProcessBuilder(program, "--port", Integer.toString(port), "--bind", "127.0.0.1", "--dir", folder.toString(),
                "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0", "--save", "", "--daemonize", "no")
                .redirectErrorStream(true).redirectOutput(folder.resolve("redis.log").toFile()).start();
        ground.keep(() -> {
            redis.destroy();
            if (!redis.waitFor(20, TimeUnit.SECONDS)) {
                redis.destroyForcibly();
            }
        });
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10); ; ) {
            try (Jedis client = new Jedis("127.0.0.1", port)) {
                client.ping();
                return port;
            } catch (JedisConnectionException notYet) {
                if (!redis.isAlive() || System.nanoTime() > end) {
                    throw new IllegalStateException("redis-server did not start; its log is " + folder.resolve("redis.log"), notYet);
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
        }
    }

    /** Of the redis-server that would be started; empty where there is none. */
    public static Optional<String> version() {
        return program().flatMap(program -> {
            try {
                Process asked = new ProcessBuilder(program, "--version").redirectErrorStream(true).start();
                // Redis server v=8.0.2 sha=...
                return Arrays.stream(new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\\s+"))
                        .filter(word -> word.startsWith("v=")).map(word -> word.substring(2)).findFirst();
            } catch (IOException e) {
                return Optional.empty();
            }
        });
    }

    private static Optional<String> program() {
        return Arrays.stream(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .map(folder -> Path.of(folder, "redis-server")).filter(Files::isExecutable).map(Path::toString).findFirst();
    }
}
