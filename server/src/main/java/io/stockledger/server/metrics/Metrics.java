package io.stockledger.server.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.typesafe.config.Config;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.binder.jvm.JvmCompilationMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.stockledger.server.journal.StartupException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the ledger measures of itself, at {@code /metrics} in the form that Prometheus reads. Each room registers its
 * own measurements with the {@link #registry}; this one adds those of the JVM and puts all of them on a port.
 */
public final class Metrics implements AutoCloseable {
    private static final String PATH = "/metrics";
    private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";
    private static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    /** A scraper that hangs keeps one of these, and not the others from theirs. */
    private static final int THREADS = 4;
    private static final int WAITING_MAX = 16;

    private final MeterRegistry registry;
    private final Optional<Endpoint> endpoint;
    private final AtomicLong readySinceMs = new AtomicLong();
    private Optional<AutoCloseable> gcListener = Optional.empty();

    private Metrics(MeterRegistry registry, Optional<Endpoint> endpoint) {
        this.registry = registry;
        this.endpoint = endpoint;
    }

    /**
     * Opens the port, unless the settings turn metrics off; then what is registered counts nothing.
     *
     * @param config {@code stockledger.metrics}
     */
    public static Metrics start(Config config) {
        if (!config.getBoolean("enabled")) {
            return new Metrics(new CompositeMeterRegistry(), Optional.empty());
        }
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        registry.config().meterFilter(new Buckets());
        Metrics metrics = new Metrics(registry, Optional.of(Endpoint.open(config, registry)));
        metrics.measureProcess();
        return metrics;
    }

    /** Where the rooms register what they measure. */
    public MeterRegistry registry() {
        return registry;
    }

    /** Where the metrics are read, if they are. */
    public Optional<String> url() {
        return endpoint.map(Endpoint::url);
    }

    /** The ledger serves from now on. */
    public void ready(InstantSource clock) {
        readySinceMs.set(clock.millis());
    }

    private void measureProcess() {
        JvmGcMetrics gc = new JvmGcMetrics();
        gcListener = Optional.of(gc);
        List<MeterBinder> binders = List.of(gc, new JvmMemoryMetrics(), new JvmThreadMetrics(), new JvmCompilationMetrics(), new ProcessorMetrics(),
                new FileDescriptorMetrics(), new UptimeMetrics());
        binders.forEach(binder -> binder.bindTo(registry));
        TimeGauge.builder("stockledger.ready.time", readySinceMs, TimeUnit.MILLISECONDS, AtomicLong::get)
                .description("When the ledger began to serve, since the epoch; 0: not yet")
                .register(registry);
    }

    @Override
    public void close() throws Exception {
        endpoint.ifPresent(Endpoint::close);
        if (gcListener.isPresent()) {
            gcListener.get().close();
        }
        registry.close();
    }

    /** Every time that the ledger measures is kept in the same buckets, so that panels can be laid over each other. */
    private static final class Buckets implements MeterFilter {
        private static final double[] NANOS = nanos(100_000, Duration.ofSeconds(10).toNanos());

        /** 1, 2, 5, 10, 20, 50 and so on. */
        private static double[] nanos(long first, long last) {
            List<Double> bounds = new ArrayList<>();
            for (long decade = first; decade <= last; decade *= 10) {
                for (long bound : new long[] {decade, 2 * decade, 5 * decade}) {
                    if (bound <= last) {
                        bounds.add((double) bound);
                    }
                }
            }
            return bounds.stream().mapToDouble(Double::doubleValue).toArray();
        }

        @Override
        public DistributionStatisticConfig configure(Meter.Id id, DistributionStatisticConfig config) {
            return id.getType() == Meter.Type.TIMER && id.getName().startsWith("stockledger.")
                    ? DistributionStatisticConfig.builder().serviceLevelObjectives(NANOS).build().merge(config) : config;
        }
    }

    /** The port. */
    private record Endpoint(HttpServer server, ThreadPoolExecutor threads, String url) {
        static Endpoint open(Config config, PrometheusMeterRegistry registry) {
            // Read once by the JDK's server: who asks and then says nothing more is hung up on.
            System.setProperty("sun.net.httpserver.maxReqTime", "10");
            System.setProperty("sun.net.httpserver.maxRspTime", "10");
            HttpServer server = listen(config);
            ThreadPoolExecutor threads = new ThreadPoolExecutor(THREADS, THREADS, 1, TimeUnit.MINUTES,
                    new LinkedBlockingQueue<>(WAITING_MAX), task -> {
                        Thread thread = new Thread(task, "metrics");
                        thread.setDaemon(true);
                        return thread;
                    });
            threads.allowCoreThreadTimeOut(true);
            server.setExecutor(threads);
            server.createContext("/", exchange -> answer(exchange, registry));
            server.start();
            InetSocketAddress address = server.getAddress();
            String host = config.getString("host");
            return new Endpoint(server, threads,
                    "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort() + PATH);
        }

        /**
         * A port that was asked for is taken or the start fails. One that was not asked for must not keep a second
         * ledger on the machine from serving: it gets any that is free, and {@code serve} says which.
         */
        private static HttpServer listen(Config config) {
            String host = config.getString("host");
            int port = config.getInt("port");
            if (port < 0 || port > 65_535) {
                throw new StartupException("Metrics port " + port
                        + " is none: choose one from 1 to 65535, or 0 for any that is free.");
            }
            try {
                InetAddress address = InetAddress.getByName(host);
                try {
                    return HttpServer.create(new InetSocketAddress(address, port), 0);
                } catch (IOException taken) {
                    if (!isDefault(config, "port")) {
                        throw taken;
                    }
                    return HttpServer.create(new InetSocketAddress(address, 0), 0);
                }
            } catch (IOException e) {
                throw new StartupException("Metrics port " + port + " on " + host + " can't be opened ("
                        + e.getMessage() + "): choose another with --metrics-port, 0 for any that is free.", e);
            }
        }

        /** Whether a setting is the one of our own reference.conf. */
        private static boolean isDefault(Config config, String path) {
            return "reference.conf".equals(config.getValue(path).origin().resource());
        }

        private static void answer(HttpExchange exchange, PrometheusMeterRegistry registry) throws IOException {
            try (exchange) {
                String method = exchange.getRequestMethod();
                if (!exchange.getRequestURI().getPath().equals(PATH)) {
                    send(exchange, 404, "text/plain; charset=utf-8", "Metrics are at " + PATH + "\n");
                } else if (!method.equals("GET") && !method.equals("HEAD")) {
                    exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                    send(exchange, 405, "text/plain; charset=utf-8", "Metrics are read with GET\n");
                } else {
                    String accept = Optional.ofNullable(exchange.getRequestHeaders().getFirst("Accept")).orElse("");
                    String type = accept.contains("application/openmetrics-text") ? OPEN_METRICS : TEXT;
                    send(exchange, 200, type, registry.scrape(type));
                }
            }
        }

        private static void send(HttpExchange exchange, int status, String type, String text) throws IOException {
            byte[] body = text.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", type);
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.sendResponseHeaders(status, -1);
                return;
            }
            exchange.sendResponseHeaders(status, body.length);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body);
            }
        }

        void close() {
            server.stop(0);
            threads.shutdownNow();
        }
    }
}
